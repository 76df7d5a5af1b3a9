# Service level objectives, and alerts on how fast their error budgets burn: https://sre.google/workbook/alerting-on-slos/

locals {
  late_filter = "${local.scanner_log} AND jsonPayload.message=\"scan completed\" AND jsonPayload.verdictSeconds>${var.slo.verdict_within_seconds}"

  budgets = {
    availability = (100 - var.slo.availability_percent) / 100
    verdicts     = (100 - var.slo.verdict_percent) / 100
  }
  # An hour at 14.4 times burns about 2 % of the budget of 28 days, six hours at 6 times about 5 %. The short window ends the alert soon
  # after its cause has ended.
  burns = {
    fast = { rate = 14.4, long = "1h", short = "5m" }
    slow = { rate = 6, long = "6h", short = "30m" }
  }
  slo_bad = merge([for window in ["5m", "30m", "1h", "6h"] : {
    "availability ${window}" = local.failed_requests["rate ${window}"]
    "verdicts ${window}"     = "sum(rate(${local.user_metric}_verdicts_late{${local.of_revision}}[${window}]))"
  }]...)
  slo_total = merge([for window in local.windows : {
    "availability ${window.of} ${window.in}" = local.served_requests["${window.of} ${window.in}"]
    "verdicts ${window.of} ${window.in}"     = "sum(${window.of}(${local.user_metric}_verdict_seconds_count{${local.of_revision}}[${window.in}]))"
  }]...)
  slo_floor = { availability = var.slo.min_requests, verdicts = var.slo.min_verdicts }
  slo_share = {
    for pair in setproduct(keys(local.budgets), ["5m", "30m", "1h", "6h"]) :
    join(" ", pair) => "${local.slo_bad[join(" ", pair)]} / ${local.slo_total["${pair[0]} rate ${pair[1]}"]}"
  }
  # A window without a bad event yields 0 or no value, and so raises no alert.
  slo_query = {
    for pair in setproduct(keys(local.budgets), keys(local.burns)) : join(" ", pair) => join(" and ", concat(
      [for window in [local.burns[pair[1]].long, local.burns[pair[1]].short] :
      "${local.slo_share["${pair[0]} ${window}"]} > ${format("%.6f", local.burns[pair[1]].rate * local.budgets[pair[0]])}"],
      ["${local.slo_total["${pair[0]} increase ${local.burns[pair[1]].long}"]} >= ${local.slo_floor[pair[0]]}"],
    ))
  }

  slo_alerts = {
    availability-fast  = { severity = "CRITICAL", query = local.slo_query["availability fast"], for = "0s", say = "Server errors of upload and files burn the error budget of ${var.slo.availability_percent} % at more than 14.4 times the rate that 28 days allow: 2 % of it in an hour." }
    availability-slow  = { severity = "ERROR", query = local.slo_query["availability slow"], for = "0s", say = "Server errors of upload and files burn the error budget of ${var.slo.availability_percent} % at more than 6 times the rate that 28 days allow: 5 % of it in six hours." }
    late-verdicts-fast = { severity = "CRITICAL", query = local.slo_query["verdicts fast"], for = "0s", say = "Verdicts later than ${var.slo.verdict_within_seconds} s burn the error budget of ${var.slo.verdict_percent} % at more than 14.4 times the rate that 28 days allow: 2 % of it in an hour." }
    late-verdicts-slow = { severity = "ERROR", query = local.slo_query["verdicts slow"], for = "0s", say = "Verdicts later than ${var.slo.verdict_within_seconds} s burn the error budget of ${var.slo.verdict_percent} % at more than 6 times the rate that 28 days allow: 5 % of it in six hours." }
  }
  slo_charts = {
    for name, title in { availability = "Share of requests that end in a server error", verdicts = "Share of verdicts later than ${var.slo.verdict_within_seconds} s" } :
    name => {
      title = "${title}: an hour, six hours"
      unit  = "1"
      lines = [{ query = local.slo_share["${name} 1h"], legend = "an hour" }, { query = local.slo_share["${name} 6h"], legend = "six hours" }]
      thresholds = [
        for speed, burn in local.burns :
        { value = burn.rate * local.budgets[name], label = "${name == "verdicts" ? "late-verdicts" : name}-${speed}" }
      ]
    }
  }
}
