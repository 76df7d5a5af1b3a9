# The log-based metrics of docs/operations.md, and the names of metrics in PromQL.

locals {
  metric_prefix = replace(var.name, "-", "_")
  log_of        = "resource.type=\"cloud_run_revision\" AND resource.labels.location=\"${var.region}\" AND resource.labels.service_name"
  api_log       = "${local.log_of}=(\"${var.name}-upload\" OR \"${var.name}-files\")"
  scanner_log   = "${local.log_of}=\"${var.name}-scanner\""
  rescanner_log = "${local.log_of}=\"${var.name}-rescanner\""
  sweeper_log   = "${local.log_of}=\"${var.name}-sweeper\""
  any_log       = "${local.log_of}=(\"${var.name}-upload\" OR \"${var.name}-files\" OR \"${var.name}-scanner\" OR \"${var.name}-rescanner\" OR \"${var.name}-sweeper\" OR \"${var.name}-auditor\" OR \"${var.name}-exporter\" OR \"${var.name}-notify\")"
  auditor_log   = "${local.log_of}=\"${var.name}-auditor\""
  mirror_log    = "resource.type=\"cloud_run_job\" AND resource.labels.location=\"${var.region}\" AND resource.labels.job_name=\"${var.name}-mirror\""
  notify_log    = "${local.log_of}=\"${var.name}-notify\""
  scanner_logs  = "${local.log_of}=(\"${var.name}-scanner\" OR \"${var.name}-rescanner\")"
  both_logs     = "${local.log_of}=(\"${var.name}-scanner\" OR \"${var.name}-sweeper\")"

  counters = merge({
    rescans       = { label = "outcome", filter = "${local.rescanner_log} AND jsonPayload.message=\"re-scan completed\"" }
    scans         = { label = "verdict", filter = "${local.both_logs} AND jsonPayload.message=\"scan completed\"" }
    failed        = { label = "failure", filter = "${local.both_logs} AND jsonPayload.message=\"file failed\"" }
    not_completed = { label = null, filter = "${local.scanner_log} AND jsonPayload.message=\"scan not completed\"" }
    verdicts_late = { label = null, filter = local.late_filter }
    redriven      = { label = null, filter = "${local.sweeper_log} AND jsonPayload.message=\"file redriven\"" }
    collections   = { label = null, filter = "${local.sweeper_log} AND jsonPayload.message=\"collect completed\"" }
    cycles        = { label = null, filter = "${local.sweeper_log} AND jsonPayload.message=\"collect completed\" AND jsonPayload.complete.records=true" }
    audits        = { label = null, filter = "${local.auditor_log} AND jsonPayload.message=\"audit completed\" AND jsonPayload.complete=true" }
    recalled      = { label = null, filter = "${local.sweeper_log} AND jsonPayload.message=\"file recalled\"" }
    handed_out    = { label = null, filter = "${local.sweeper_log} AND jsonPayload.message=\"quarantined content handed out\"" }
    downloads     = { label = "audit.status", filter = "${local.log_of}=\"${var.name}-files\" AND jsonPayload.message=\"audit\" AND jsonPayload.audit.action=\"read\"" }
    by_database   = { label = "database", filter = "${local.scanner_log} AND jsonPayload.message=\"scan completed\" AND jsonPayload.database>0" }
    # Cloud Run logs this line if it refuses a request because no instance is available. The function logs no such line for its own 429s.
    refused       = { label = null, filter = "${local.api_log} AND log_id(\"run.googleapis.com/requests\") AND textPayload:\"no available instance\"" }
    paused        = { label = null, filter = "${local.api_log} AND jsonPayload.message=\"audit\" AND jsonPayload.audit.problem=\"intake-paused\"" }
    audit_reports = { label = null, filter = "${local.auditor_log} AND jsonPayload.message=\"audit completed\" AND jsonPayload.signed:*" }
    rules_broken  = { label = "rule", filter = "${local.auditor_log} AND jsonPayload.message=\"rule broken\"" }
    }, local.has_exports ? {
    exports = { label = null, filter = "${local.log_of}=\"${var.name}-exporter\" AND jsonPayload.message=\"export completed\" AND jsonPayload.complete=true" }
    } : {}, local.has_callbacks ? {
    callbacks_delivered = { label = null, filter = "${local.notify_log} AND jsonPayload.message=\"callback delivered\"" }
    callbacks_failed    = { label = "reason", filter = "${local.notify_log} AND jsonPayload.message=\"callback not delivered\"" }
  } : {})
  # `alert` is the number of seconds above which an alert is raised; null if there is no such alert.
  distributions = {
    rescan_job_seconds     = { field = "jobs.behindSeconds", filter = "${local.sweeper_log} AND jsonPayload.message=\"re-scans requested\" AND jsonPayload.jobs.behindSeconds>=0", alert = 3 * 86400 }
    rescan_behind_seconds  = { field = "behindSeconds", filter = "${local.sweeper_log} AND jsonPayload.message=\"re-scans requested\"", alert = 3 * 86400 }
    scan_milliseconds      = { field = "scanMs", filter = "${local.scanner_log} AND jsonPayload.message=\"scan completed\" AND jsonPayload.scanMs>=0", alert = null }
    slots_used             = { field = "slotsUsed", filter = "${local.scanner_logs} AND jsonPayload.message=\"slots in use\"", alert = null }
    slots_free             = { field = "slotsFree", filter = "${local.scanner_logs} AND jsonPayload.message=\"slots in use\"", alert = null }
    verdict_seconds        = { field = "verdictSeconds", filter = "${local.scanner_log} AND jsonPayload.message=\"scan completed\" AND jsonPayload.verdictSeconds>=0", alert = null }
    oldest_pending_seconds = { field = "oldestPendingSeconds", filter = "${local.sweeper_log} AND jsonPayload.message=\"sweep completed\"", alert = var.sweeper.stuck_after_seconds }
    signature_age_seconds  = { field = "signatureAgeSeconds", filter = "${local.both_logs} AND jsonPayload.message=\"scan completed\" AND jsonPayload.signatureAgeSeconds>=0", alert = local.signature_alert_hours * 3600 }
  }
  # Quantiles are interpolated between two bounds. The threshold of an alert is one of the bounds, so that no value below the threshold is
  # estimated to be above it.
  bounds = { for name, distribution in local.distributions : name => startswith(name, "slots_") ? local.slot_bounds : distinct([
    for bound in sort([for bound in concat([for power in range(61) : pow(1.25, power)], distribution.alert[*]) : format("%012.3f", bound)]) : tonumber(bound)
  ]) }

  # Tenths of a slot, so that the number of slots of an instance is a bound, too.
  slot_bounds = [for step in range(10 * var.scanner.slots + 1) : step / 10]

  # Names of metrics in PromQL, and the queries that use them.
  user_metric   = "logging_googleapis_com:user_${local.metric_prefix}"
  of_revision   = "monitored_resource=\"cloud_run_revision\""
  oldest        = "histogram_quantile(0.99, sum by (le) (increase(${local.user_metric}_oldest_pending_seconds_bucket{${local.of_revision}}[15m])))"
  signature_age = "histogram_quantile(0.99, sum by (le) (increase(${local.user_metric}_signature_age_seconds_bucket{${local.of_revision}}[1h])))"
  rescan_behind = "histogram_quantile(0.99, sum by (le) (increase(${local.user_metric}_rescan_behind_seconds_bucket{${local.of_revision}}[1d])))"
  rescan_job    = "histogram_quantile(0.99, sum by (le) (increase(${local.user_metric}_rescan_job_seconds_bucket{${local.of_revision}}[1d])))"
  dead_waiting  = "max by (subscription_id) (pubsub_googleapis_com:subscription_num_undelivered_messages{monitored_resource=\"pubsub_subscription\",subscription_id=~\"${var.name}-.+-dead(-sweeper)?\"})"
  backlog_age   = "max(pubsub_googleapis_com:subscription_oldest_unacked_message_age{monitored_resource=\"pubsub_subscription\",subscription_id=\"${var.name}-finalized-scanner\"})"
  requests      = "run_googleapis_com:request_count{${local.of_revision},service_name=~\"${var.name}-(upload|files)\"}"
  scanners_busy = "sum(run_googleapis_com:container_instance_count{${local.of_revision},service_name=\"${var.name}-scanner\",state=\"active\"})"
  refused       = "sum(increase(${local.user_metric}_refused{${local.of_revision}}[10m]))"
  server_errors = "run_googleapis_com:request_count{${local.of_revision},service_name=~\"${var.name}-(upload|files)\",response_code_class=\"5xx\"}"
  # Uploads that are refused during a pause count neither as errors nor as traffic. Cloud Run's metrics include them, so they are subtracted.
  windows = [for pair in setproduct(["rate", "increase"], ["5m", "10m", "30m", "1h", "6h"]) : { of = pair[0], in = pair[1] }]
  paused  = { for window in local.windows : "${window.of} ${window.in}" => "(sum(${window.of}(${local.user_metric}_paused{${local.of_revision}}[${window.in}])) or vector(0))" }
  failed_requests = { for window in local.windows : "${window.of} ${window.in}" =>
    "clamp_min(sum(${window.of}(${local.server_errors}[${window.in}])) - ${local.paused["${window.of} ${window.in}"]}, 0)"
  }
  served_requests = { for window in local.windows : "${window.of} ${window.in}" =>
    "(sum(${window.of}(${local.requests}[${window.in}])) - ${local.paused["${window.of} ${window.in}"]})"
  }
}

resource "google_logging_metric" "counter" {
  for_each = local.counters
  project  = var.project_id
  name     = "${local.metric_prefix}_${each.key}"
  filter   = each.value.filter
  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    dynamic "labels" {
      for_each = each.value.label[*]
      content {
        key        = reverse(split(".", labels.value))[0]
        value_type = "STRING"
      }
    }
  }
  label_extractors = { for label in each.value.label[*] : reverse(split(".", label))[0] => "EXTRACT(jsonPayload.${label})" }
  depends_on       = [google_project_service.this]
}

resource "google_logging_metric" "distribution" {
  for_each        = local.distributions
  project         = var.project_id
  name            = "${local.metric_prefix}_${each.key}"
  filter          = each.value.filter
  value_extractor = "EXTRACT(jsonPayload.${each.value.field})"
  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
    unit        = endswith(each.key, "_milliseconds") ? "ms" : startswith(each.key, "slots_") ? "1" : "s"
  }
  bucket_options {
    explicit_buckets {
      bounds = local.bounds[each.key]
    }
  }
  depends_on = [google_project_service.this]
}
