# The dashboard of docs/operations.md.

locals {
  charts = concat([
    { title = "Scans a minute, by verdict", unit = "1", queries = ["sum by (verdict) (rate(${local.user_metric}_scans{${local.of_revision}}[5m])) * 60"] },
    { title = "Age of the oldest pending file", unit = "s", queries = [local.oldest] },
    { title = "Scan time: median, 95 %, 99 %", unit = "ms", queries = [
      for quantile in ["0.5", "0.95", "0.99"] :
      "histogram_quantile(${quantile}, sum by (le) (rate(run_googleapis_com:request_latencies_bucket{${local.of_revision},service_name=\"${var.name}-scanner\"}[10m])))"
    ] },
    { title = "Events that wait, and the age of the oldest", unit = "1", queries = [
      "max(pubsub_googleapis_com:subscription_num_undelivered_messages{monitored_resource=\"pubsub_subscription\",subscription_id=\"${var.name}-finalized-scanner\"})",
      local.backlog_age,
    ] },
    { title = "Age of the signatures", unit = "s", queries = [local.signature_age] },
    { title = "Re-scans an hour, by outcome", unit = "1", queries = ["sum by (outcome) (increase(${local.user_metric}_rescans{${local.of_revision}}[1h]))"] },
    { title = "Broken rules that an audit found, a day", unit = "1", queries = ["sum by (rule) (increase(${local.user_metric}_rules_broken{${local.of_revision}}[1d]))"] },
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
