# The dashboard of docs/operations.md: numbers to look at first, then charts, three in a row. Thresholds are those of the alerts.

locals {
  subscription = "{monitored_resource=\"pubsub_subscription\",subscription_id=\"%s\"}"
  waiting      = { for name in ["finalized-scanner", "rescan-rescanner"] : name => "max(pubsub_googleapis_com:subscription_num_undelivered_messages${format(local.subscription, "${var.name}-${name}")})" }
  oldest_event = { for name in ["finalized-scanner", "rescan-rescanner"] : name => "max(pubsub_googleapis_com:subscription_oldest_unacked_message_age${format(local.subscription, "${var.name}-${name}")})" }
  # An instance that scans writes a line a minute.
  of_scanner = { for name in ["scanner", "rescanner"] : name => "{${local.of_revision},service_name=\"${var.name}-${name}\"}" }
  slots_used = { for name, selector in local.of_scanner : name => "sum(increase(${local.user_metric}_slots_used_sum${selector}[10m])) / 10" }
  slots_free = "sum(increase(${local.user_metric}_slots_free_sum${local.of_scanner.scanner}[10m])) / 10"
  most_slots = var.scanner.slots * var.scanner.max_instances
  too_old    = local.distributions.signature_age_seconds.alert

  scorecards = [
    { title = "Events waiting for the scanner", unit = "1", query = local.waiting.finalized-scanner, thresholds = [] },
    { title = "Age of the oldest waiting event", unit = "s", query = local.oldest_event.finalized-scanner, thresholds = [
      { value = var.slo.verdict_within_seconds, color = "YELLOW" }, { value = var.sweeper.stuck_after_seconds, color = "RED" },
    ] },
    { title = "Scan slots in use, at most ${local.most_slots}", unit = "1", query = "${local.slots_used.scanner} or vector(0)", thresholds = [
      { value = 0.9 * local.most_slots, color = "YELLOW" },
    ] },
    { title = "Age of the signatures", unit = "s", query = local.signature_age, thresholds = [
      { value = local.too_old, color = "YELLOW" }, { value = var.signatures.max_age_hours * 3600, color = "RED" },
    ] },
    { title = "Dead letters", unit = "1", query = "sum(${local.dead_waiting})", thresholds = [{ value = 0, color = "RED" }] },
    { title = "Server errors in the last 10 minutes", unit = "1", query = "sum(increase(${local.server_errors}[10m])) or vector(0)", thresholds = [{ value = 4, color = "YELLOW" }] },
  ]

  # `right`: on the axis at the right, in seconds. `legend`: of a line that has no labels to tell it by.
  charts = concat([
    { title = "Waiting events, and age of the oldest (right)", unit = "1", lines = [
      { query = local.waiting.finalized-scanner, legend = "events" },
      { query = local.oldest_event.finalized-scanner, legend = "age of the oldest", right = true },
    ], thresholds = [{ value = var.sweeper.stuck_after_seconds, label = "backlog", right = true }] },
    { title = "Age of the oldest pending file", unit = "s", lines = [{ query = local.oldest, legend = "age" }], thresholds = [
      { value = var.sweeper.stuck_after_seconds, label = "oldest-pending" },
    ] },
    { title = "Failures per hour: failed files, failed scans, redrives", unit = "1", lines = [
      for metric, legend in { failed = "failed", not_completed = "not completed", redriven = "redriven" } :
      { query = "sum(increase(${local.user_metric}_${metric}{${local.of_revision}}[1h]))", legend = legend }
    ] },
    { title = "Verdicts per hour, by verdict", unit = "1", lines = [
      { query = "sum by (verdict) (increase(${local.user_metric}_scans{${local.of_revision}}[1h]))" },
    ] },
    { title = "Scan time: p50, p95, p99", unit = "ms", lines = [
      for quantile, legend in { "0.5" = "median", "0.95" = "95 %", "0.99" = "99 %" } :
      { query = "histogram_quantile(${quantile}, sum by (le) (rate(${local.user_metric}_scan_milliseconds_bucket{${local.of_revision}}[10m])))", legend = legend }
    ] },
    local.slo_charts.verdicts,
    { title = "Scan slots in all instances, 10-minute mean", unit = "1", lines = [
      { query = local.slots_used.scanner, legend = "in use" },
      { query = local.slots_free, legend = "free, in instances that scan" },
      { query = local.slots_used.rescanner, legend = "in use for re-scans" },
    ], thresholds = [{ value = local.most_slots, label = "${var.scanner.max_instances} instances" }] },
    { title = "Scan slots in use per instance: mean, busiest minute", unit = "1", lines = [
      { query = "sum(increase(${local.user_metric}_slots_used_sum${local.of_scanner.scanner}[10m])) / sum(increase(${local.user_metric}_slots_used_count${local.of_scanner.scanner}[10m]))", legend = "mean" },
      { query = "histogram_quantile(1, sum by (le) (increase(${local.user_metric}_slots_used_bucket${local.of_scanner.scanner}[10m])))", legend = "busiest minute" },
    ], thresholds = [{ value = var.scanner.slots, label = "all" }] },
    { title = "Concurrent requests per scanner instance, p99: ${var.scanner.slots} are scanned, ${local.scan_queue} wait", unit = "1", lines = [
      { query = "histogram_quantile(0.99, sum by (le) (rate(run_googleapis_com:container_max_request_concurrencies_bucket${local.of_scanner.scanner}[10m])))", legend = "requests" },
    ], thresholds = [{ value = local.scan_concurrency, label = "full" }] },
    { title = "Instances by service, and busy scanner instances", unit = "1", lines = [
      { query = "sum by (service_name) (run_googleapis_com:container_instance_count{${local.of_revision},service_name=~\"${var.name}-.+\"})" },
      { query = local.scanners_busy, legend = "busy scanners" },
    ], thresholds = [{ value = var.scanner.max_instances, label = "scanner at maximum" }] },
    { title = "Age of the signatures", unit = "s", lines = [{ query = local.signature_age, legend = "age" }], thresholds = [
      { value = local.too_old, label = "old-signatures" },
      { value = var.signatures.max_age_hours * 3600, label = "nothing is decided" },
    ] },
    { title = "Verdicts per hour, by signature version", unit = "1", lines = [
      { query = "sum by (database) (increase(${local.user_metric}_by_database{${local.of_revision}}[1h]))" },
    ] },
    { title = "Requests per second, by response class", unit = "1", lines = [
      { query = "sum by (service_name, response_code_class) (rate(${local.requests}[5m]))" },
    ] },
    local.slo_charts.availability,
    { title = "Requests that no instance took, per hour", unit = "1", lines = [
      { query = "sum by (service_name) (increase(${local.user_metric}_refused{${local.of_revision}}[1h]))" },
    ] },
    { title = "Waiting re-scans, and age of the oldest (right)", unit = "1", lines = [
      { query = local.waiting.rescan-rescanner, legend = "re-scans" },
      { query = local.oldest_event.rescan-rescanner, legend = "age of the oldest", right = true },
    ] },
    { title = "Re-scans per hour, by outcome", unit = "1", lines = [
      { query = "sum by (outcome) (increase(${local.user_metric}_rescans{${local.of_revision}}[1h]))" },
    ] },
    { title = "Age of the oldest content due for a re-scan, and of the oldest job", unit = "s", lines = [
      { query = local.rescan_behind, legend = "due" },
      { query = local.rescan_job, legend = "ordered" },
    ], thresholds = [{ value = local.distributions.rescan_behind_seconds.alert, label = "rescan-behind" }] },
    { title = "Dead letters", unit = "1", lines = [{ query = local.dead_waiting }] },
    { title = "Broken rules found by audits, per day", unit = "1", lines = [
      { query = "sum by (rule) (increase(${local.user_metric}_rules_broken{${local.of_revision}}[1d]))" },
    ] },
    { title = "Per day: audits, ${local.has_exports ? "signed reports, exports" : "signed reports"}", unit = "1", lines = [
      for metric, legend in merge({ audits = "audits", audit_reports = "signed reports" }, local.has_exports ? { exports = "exports" } : {}) :
      { query = "sum(increase(${local.user_metric}_${metric}{${local.of_revision}}[1d]))", legend = legend }
    ] },
    { title = "Downloads per hour, by status", unit = "1", lines = [
      { query = "sum by (status) (increase(${local.user_metric}_downloads{${local.of_revision}}[1h]))" },
    ] },
    { title = "Per day: recalled files, and downloads from quarantine", unit = "1", lines = [
      for metric, legend in { recalled = "recalled", handed_out = "handed out" } :
      { query = "sum(increase(${local.user_metric}_${metric}{${local.of_revision}}[1d]))", legend = legend }
    ] },
    ], [for bucket in compact([lookup(local.buckets, "quarantine", null)]) :
    # Counted once a day.
    { title = "Objects in quarantine", unit = "1", lines = [
      { query = "sum(storage_googleapis_com:storage_object_count{monitored_resource=\"gcs_bucket\",bucket_name=\"${bucket}\"})", legend = "objects" },
    ] }
    ], [for job in local.has_mirror ? ["${var.name}-mirror"] : [] :
    { title = "Signature mirror runs per day, by result", unit = "1", lines = [
      { query = "sum by (result) (increase(run_googleapis_com:job_completed_execution_count{monitored_resource=\"cloud_run_job\",job_name=\"${job}\"}[1d]))" },
    ] }
    ], local.has_callbacks ? [
    { title = "Callbacks per hour: delivered, and failed by reason", unit = "1", lines = [
      { query = "sum(increase(${local.user_metric}_callbacks_delivered{${local.of_revision}}[1h]))", legend = "delivered" },
      { query = "sum by (reason) (increase(${local.user_metric}_callbacks_failed{${local.of_revision}}[1h]))" },
    ] },
  ] : [])

  score_tiles = [
    for index, card in local.scorecards : {
      xPos = index * 8, yPos = 0, width = 8, height = 8
      widget = {
        title = card.title
        scorecard = {
          timeSeriesQuery = { prometheusQuery = card.query, unitOverride = card.unit }
          sparkChartView  = { sparkChartType = "SPARK_LINE" }
          thresholds      = [for threshold in card.thresholds : merge(threshold, { direction = "ABOVE" })]
        }
      }
    }
  ]
  chart_tiles = [
    for index, chart in local.charts : {
      xPos = index % 3 * 16, yPos = 8 + floor(index / 3) * 14, width = 16, height = 14
      widget = {
        title = chart.title
        xyChart = {
          dataSets = [
            for line in chart.lines : merge({
              plotType        = "LINE"
              targetAxis      = try(line.right, false) ? "Y2" : "Y1"
              timeSeriesQuery = { prometheusQuery = line.query, unitOverride = try(line.right, false) ? "s" : chart.unit }
            }, { for legend in try([line.legend], []) : "legendTemplate" => legend })
          ]
          thresholds = [
            for threshold in try(chart.thresholds, []) :
            { value = threshold.value, label = threshold.label, targetAxis = try(threshold.right, false) ? "Y2" : "Y1" }
          ]
        }
      }
    }
  ]
}

resource "google_monitoring_dashboard" "this" {
  project = var.project_id
  dashboard_json = jsonencode({
    displayName  = "HOPS Fileshare: ${var.name}"
    mosaicLayout = { columns = 48, tiles = concat(local.score_tiles, local.chart_tiles) }
  })
  depends_on = [google_project_service.this]
}
