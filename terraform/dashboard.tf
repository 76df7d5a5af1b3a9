# The dashboard of docs/operations.md.

locals {
  charts = concat([
    { title = "Verdicts an hour, by verdict", unit = "1", queries = ["sum by (verdict) (increase(${local.user_metric}_scans{${local.of_revision}}[1h]))"] },
    { title = "Age of the oldest pending file", unit = "s", queries = [local.oldest] },
    { title = "Scan time: median, 95 %, 99 %", unit = "ms", queries = [
      for quantile in ["0.5", "0.95", "0.99"] :
      "histogram_quantile(${quantile}, sum by (le) (rate(${local.user_metric}_scan_milliseconds_bucket{${local.of_revision}}[10m])))"
    ] },
    { title = "Events that wait, and the age of the oldest", unit = "1", queries = [
      "max(pubsub_googleapis_com:subscription_num_undelivered_messages{monitored_resource=\"pubsub_subscription\",subscription_id=\"${var.name}-finalized-scanner\"})",
      local.backlog_age,
    ] },
    { title = "Age of the signatures", unit = "s", queries = [local.signature_age] },
    { title = "Verdicts an hour, by version of the signatures", unit = "1", queries = ["sum by (database) (increase(${local.user_metric}_by_database{${local.of_revision}}[1h]))"] },
    { title = "Re-scans that wait, and the age of the oldest", unit = "1", queries = [
      for metric in ["num_undelivered_messages", "oldest_unacked_message_age"] :
      "max(pubsub_googleapis_com:subscription_${metric}{monitored_resource=\"pubsub_subscription\",subscription_id=\"${google_pubsub_subscription.rescan.name}\"})"
    ] },
    { title = "Re-scans an hour, by outcome", unit = "1", queries = ["sum by (outcome) (increase(${local.user_metric}_rescans{${local.of_revision}}[1h]))"] },
    { title = "Broken rules that an audit found, a day", unit = "1", queries = ["sum by (rule) (increase(${local.user_metric}_rules_broken{${local.of_revision}}[1d]))"] },
    { title = "Audits that came to their end, and signed reports, a day", unit = "1", queries = [
      "sum(increase(${local.user_metric}_audits{${local.of_revision}}[1d]))",
      "sum(increase(${local.user_metric}_audit_reports{${local.of_revision}}[1d]))",
    ] },
    { title = "Age of the oldest content that is due for a re-scan", unit = "s", queries = [local.rescan_behind] },
    { title = "Dead letters", unit = "1", queries = [local.dead_waiting] },
    { title = "Trouble an hour: failed, tried in vain, redriven", unit = "1", queries = [
      for metric in ["failed", "not_completed", "redriven"] : "sum(increase(${local.user_metric}_${metric}{${local.of_revision}}[1h]))"
    ] },
    { title = "Requests a second, by class of answer", unit = "1", queries = ["sum by (service_name, response_code_class) (rate(${local.requests}[5m]))"] },
    { title = "Requests that no instance took, an hour", unit = "1", queries = ["sum by (service_name) (increase(${local.user_metric}_refused{${local.of_revision}}[1h]))"] },
    { title = "Instances: all by service, and busy ones of the scanner", unit = "1", queries = [
      "sum by (service_name) (run_googleapis_com:container_instance_count{${local.of_revision},service_name=~\"${var.name}-.+\"})",
      local.scanners_busy,
    ] },
    { title = "Requests at once in an instance of the scanner, 99 %: ${var.scanner.slots} are scanned, ${local.scan_queue} wait", unit = "1", queries = [
      "histogram_quantile(0.99, sum by (le) (rate(run_googleapis_com:container_max_request_concurrencies_bucket{${local.of_revision},service_name=\"${var.name}-scanner\"}[10m])))",
    ] },
    { title = "Audits that came to their end, in two days", unit = "1", queries = ["sum(increase(${local.user_metric}_audits{${local.of_revision}}[2d]))"] },
    { title = "Downloads an hour, by status", unit = "1", queries = ["sum by (status) (increase(${local.user_metric}_downloads{${local.of_revision}}[1h]))"] },
    { title = "A day: files recalled, and quarantined contents handed out", unit = "1", queries = [
      for metric in ["recalled", "handed_out"] : "sum(increase(${local.user_metric}_${metric}{${local.of_revision}}[1d]))"
    ] },
    ], [for bucket in compact([lookup(local.buckets, "quarantine", null)]) :
    # Counted once a day.
    { title = "Objects in quarantine", unit = "1", queries = ["sum(storage_googleapis_com:storage_object_count{monitored_resource=\"gcs_bucket\",bucket_name=\"${bucket}\"})"] }
    ], local.slo_charts, local.has_callbacks ? [
    { title = "Callbacks an hour: delivered, and failed by reason", unit = "1", queries = [
      "sum(increase(${local.user_metric}_callbacks_delivered{${local.of_revision}}[1h]))",
      "sum by (reason) (increase(${local.user_metric}_callbacks_failed{${local.of_revision}}[1h]))",
    ] },
  ] : [])
}

resource "google_monitoring_dashboard" "this" {
  project = var.project_id
  dashboard_json = jsonencode({
    displayName = "HOPS Fileshare: ${var.name}"
    mosaicLayout = {
      columns = 48
      tiles = [
        for index, chart in local.charts : {
          xPos   = index % 2 * 24
          yPos   = floor(index / 2) * 16
          width  = 24
          height = 16
          widget = {
            title = chart.title
            xyChart = {
              dataSets = [
                for query in chart.queries : {
                  plotType        = "LINE"
                  targetAxis      = "Y1"
                  timeSeriesQuery = { prometheusQuery = query, unitOverride = chart.unit }
                }
              ]
            }
          }
        }
      ]
    }
  })
  depends_on = [google_project_service.this]
}
