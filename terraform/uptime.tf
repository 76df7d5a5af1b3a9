# Checks from outside whether clients can reach upload and files. The function itself answers a request without a token, with 401 and
# without a call to Cloud Storage. /healthz cannot be used, because Cloud Run reserves it on run.app.

locals {
  is_public = var.invoker_iam_disabled || contains(var.api_invokers, "allUsers")
  uptime_checks = {
    for name, check in {
      upload = { method = "POST", path = "/files", host = split(":", trimprefix(local.upload_url, "https://")) }
      files  = { method = "GET", path = "/files", host = split(":", trimprefix(local.files_url, "https://")) }
    } : name => check if local.is_public && var.uptime_check_seconds != null
  }
  uptime_alerts = {
    for name, alert in {
      unreachable = { severity = "CRITICAL", say = "Upload or files does not answer requests from at least two regions of the world." }
    } : name => alert if length(local.uptime_checks) > 0
  }
}

resource "google_monitoring_uptime_check_config" "this" {
  for_each     = local.uptime_checks
  project      = var.project_id
  display_name = "${var.name}: ${each.key}"
  period       = "${var.uptime_check_seconds}s"
  timeout      = "10s"
  http_check {
    request_method = each.value.method
    # With POST, the API requires a content type. There is no body.
    content_type = each.value.method == "POST" ? "URL_ENCODED" : null
    path         = each.value.path
    port         = try(tonumber(each.value.host[1]), 443)
    use_ssl      = true
    validate_ssl = true
    accepted_response_status_codes {
      status_value = 401
    }
  }
  # An answer that does not come from the function has another body.
  content_matchers {
    content = "/problems/unauthenticated"
    matcher = "CONTAINS_STRING"
  }
  monitored_resource {
    type = "uptime_url"
    labels = {
      project_id = var.project_id
      host       = each.value.host[0]
    }
  }
  depends_on = [google_project_service.this]
}

resource "google_monitoring_alert_policy" "uptime" {
  for_each              = local.uptime_alerts
  project               = var.project_id
  display_name          = "${var.name}: ${each.key}"
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = var.notification_channels
  user_labels           = var.labels
  dynamic "conditions" {
    for_each = google_monitoring_uptime_check_config.this
    content {
      display_name = conditions.key
      condition_threshold {
        filter          = "resource.type = \"uptime_url\" AND metric.type = \"monitoring.googleapis.com/uptime_check/check_passed\" AND metric.labels.check_id = \"${conditions.value.uptime_check_id}\""
        comparison      = "COMPARISON_GT"
        threshold_value = 1
        duration        = "300s"
        # Takes the last result of each region, and counts those that failed.
        aggregations {
          alignment_period     = "1200s"
          per_series_aligner   = "ALIGN_NEXT_OLDER"
          cross_series_reducer = "REDUCE_COUNT_FALSE"
          group_by_fields      = ["resource.label.host"]
        }
      }
    }
  }
  alert_strategy {
    auto_close = "86400s"
  }
  documentation {
    mime_type = "text/markdown"
    content   = "${each.value.say} ${format(local.runbook, each.key)}"
  }
  depends_on = [google_project_service.this]
}
