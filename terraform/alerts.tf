# The alerts of docs/operations.md. Log alerts match the messages of the functions' log lines; a test compares them.

locals {
  # ClamAV sometimes publishes no signatures for days (Cisco-Talos/clamav#667, #1591). This alert comes long before files have to wait.
  signature_alert_hours = min(48, floor(var.signatures.max_age_hours * 2 / 3))

  runbook = var.runbook_base_url == null ? "See docs/runbooks/%s.md." : "[Runbook](${trimsuffix(coalesce(var.runbook_base_url, "-"), "/")}/%s.md)"

  # A single matching log line raises these alerts.
  log_alerts = merge({
    engine-unfit       = { severity = "CRITICAL", filter = "${local.scanner_log} AND jsonPayload.message=\"engine unfit, files wait\"", say = "ClamAV gives no verdicts, and all files wait: `reason` says why. Bring in signatures." }
    rescans-wait       = { severity = "ERROR", filter = "${local.rescanner_log} AND jsonPayload.message=\"engine unfit, re-scans wait\"", say = "ClamAV of the rescanner gives no verdicts: `reason` says why. Uploads are not affected." }
    stored-malware     = { severity = "CRITICAL", filter = "${local.rescanner_log} AND jsonPayload.message=\"stored content is malware\"", say = "Newer signatures found malware in content that was handed out as clean. Nobody can download it any more, but some may have it." }
    damaged-content    = { severity = "CRITICAL", filter = "${local.rescanner_log} AND jsonPayload.message=\"stored bytes do not match their digest\"", say = "The bytes of a stored content have changed. Nobody can download it. Find out who could write to the bucket." }
    rule-broken        = { severity = "ERROR", filter = "${local.auditor_log} AND jsonPayload.message=\"rule broken\"", say = "Stored data breaks a promise of this service: `rule` and `object` say which and where." }
    report-unsigned    = { severity = "WARNING", filter = "${local.auditor_log} AND jsonPayload.message=\"audit report not signed\"", say = "An audit was done, but its report could not be signed or stored: `err` says why." }
    uncaught-error     = { severity = "ERROR", filter = "${local.any_log} AND jsonPayload.message=\"uncaught error\"", say = "A defect in the code ended an instance; `err` says where. Other requests in progress were completed; the request that caused it got no answer." }
    wrong-deployment   = { severity = "CRITICAL", filter = "${local.any_log} AND jsonPayload.message=\"buckets belong to another deployment\"", say = "The buckets belong to another deployment, `owner`: this one accepts no uploads, and its files wait." }
    state-unreadable   = { severity = "ERROR", filter = "${local.any_log} AND jsonPayload.message=\"deployment state cannot be read\"", say = "A function cannot read `deployment/state`: a pause of uploads does not reach it, and a scanner that starts now scans nothing." }
    file-failed        = { severity = "ERROR", filter = "${local.both_logs} AND jsonPayload.message=\"file failed\" AND severity>=ERROR", say = "A file was given up; `failure` says why. If a client declared a wrong digest, the line is a warning and raises no alert." }
    dead-letter        = { severity = "ERROR", filter = "${local.sweeper_log} AND jsonPayload.message=\"dead letter\"", say = "The scanner refused a file for hours. `outcome` says whether it was sent there again or has failed. Fix the cause." }
    object-not-dealt   = { severity = "WARNING", filter = "${local.sweeper_log} AND jsonPayload.message=\"object not processed\"", say = "The sweeper could not process an object; the next sweep tries again." }
    damaged-record     = { severity = "ERROR", filter = "${local.sweeper_log} AND jsonPayload.message=\"dead letter of a damaged record\"", say = "A record cannot be read: somebody probably edited it by hand." }
    foreign-object     = { severity = "WARNING", filter = "${local.scanner_log} AND jsonPayload.message=(\"event ignored\" OR \"event is not ours\")", say = "The unscanned bucket has an object, or the scanner received a message, that this service did not create." }
    signatures-trouble = { severity = "WARNING", filter = "${local.scanner_log} AND jsonPayload.component=\"signatures\" AND severity>=WARNING", say = "The sidecar cannot refresh its signatures. This is normal until the mirror has been filled for the first time." }
    }, local.has_mirror ? {
    signatures-held      = { severity = "ERROR", filter = "${local.mirror_log} AND jsonPayload.message=~\"^new signatures are held: \"", say = "New signatures failed their trial and are not used; the message says why. Scanning continues with the older ones." }
    signatures-undecided = { severity = "CRITICAL", filter = "${local.mirror_log} AND jsonPayload.message=~\"^new signatures are held for too long \"", say = "New signatures have failed their trial for ${var.signatures.max_hold_hours} hours: decide whether to promote them. When the older ones are ${var.signatures.max_age_hours} hours old, files wait." }
    mirror-trouble       = { severity = "WARNING", filter = "${local.mirror_log} AND severity>=ERROR AND NOT jsonPayload.message=~\"^new signatures are held\"", say = "The signature mirror could not be updated or rolled back: the message says why. Scanning continues with the older ones." }
  } : {})
  metric_alerts = merge(
    {
      oldest-pending    = { severity = "CRITICAL", query = "${local.oldest} > ${local.distributions.oldest_pending_seconds.alert}", for = "300s", say = "Files wait for their verdict longer than the sweeper allows." }
      scans-fail        = { severity = "ERROR", query = "sum(increase(${local.user_metric}_not_completed{${local.of_revision}}[10m])) > 10", for = "0s", say = "Scans fail: look at the sidecar and at Cloud Storage." }
      files-redriven    = { severity = "WARNING", query = "sum(increase(${local.user_metric}_redriven{${local.of_revision}}[1h])) > 20", for = "0s", say = "Events do not lead to a verdict in time: the finalize subscription or the scanner does not work." }
      sweeps-absent     = { severity = "ERROR", query = "(sum(increase(${local.user_metric}_oldest_pending_seconds_count{${local.of_revision}}[1h])) or vector(0)) < 1", for = "1800s", say = "No sweep was completed for an hour." }
      collect-absent    = { severity = "ERROR", query = "(sum(increase(${local.user_metric}_collections{${local.of_revision}}[3h])) or vector(0)) < 1", for = "1800s", say = "No collection was completed for three hours: deletions are not announced, and storage is not freed." }
      collect-behind    = { severity = "WARNING", query = "(sum(increase(${local.user_metric}_cycles{${local.of_revision}}[1d])) or vector(0)) < 1", for = "3600s", say = "No cycle of the collection was completed for a day: it has too little time for the number of records." }
      rescan-behind     = { severity = "WARNING", query = "${local.rescan_behind} > ${local.distributions.rescan_behind_seconds.alert}", for = "3600s", say = "Contents have waited for their re-scan for three days: the budget of `rescan` is too small, or the rescanner does not work." }
      rescan-absent     = { severity = "WARNING", query = "(sum(increase(${local.user_metric}_rescan_behind_seconds_count{${local.of_revision}}[1d])) or vector(0)) < 1", for = "3600s", say = "For a day, nothing has looked for contents that are due for a re-scan." }
      audit-absent      = { severity = "WARNING", query = "(sum(increase(${local.user_metric}_audits{${local.of_revision}}[2d])) or vector(0)) < 1", for = "3600s", say = "No audit was completed for two days: it has too little time, or cannot read the buckets." }
      backlog           = { severity = "ERROR", query = "${local.backlog_age} > ${var.sweeper.stuck_after_seconds}", for = "300s", say = "The scanner does not accept finalize events: check that it runs and is large enough." }
      dead-letters-wait = { severity = "ERROR", query = "${local.dead_waiting} > 0", for = "900s", say = "Dead letters have been waiting for 15 minutes." }
      old-signatures    = { severity = "ERROR", query = "${local.signature_age} > ${local.distributions.signature_age_seconds.alert}", for = "0s", say = "The signatures are ${local.signature_alert_hours} hours old; at ${var.signatures.max_age_hours} hours the scanner stops giving verdicts." }
      requests-refused  = { severity = "WARNING", query = "${local.refused} > 0.01 * sum(increase(${local.requests}[10m])) and ${local.refused} >= 20", for = "300s", say = "Cloud Run refuses more than 1 % of the requests to upload and files, and at least twenty in ten minutes, because no instance is available." }
      # It is fine if all instances are busy, as long as no event waits for long.
      scanner-at-maximum = { severity = "WARNING", query = "${local.scanners_busy} >= ${var.scanner.max_instances} and ${local.backlog_age} > ${var.slo.verdict_within_seconds}", for = "1800s", say = "All ${var.scanner.max_instances} instances of the scanner have been busy for half an hour, and events have waited for longer than ${var.slo.verdict_within_seconds} s." }
      rescan-job-behind  = { severity = "WARNING", query = "${local.rescan_job} > ${local.distributions.rescan_job_seconds.alert}", for = "3600s", say = "A re-scan that an operator ordered is not complete after three days: the budget of `rescan` is too small for it, or the sweeper cannot send it." }
      server-errors      = { severity = "ERROR", query = "${local.failed_requests["rate 10m"]} / ${local.served_requests["rate 10m"]} > 0.02 and ${local.failed_requests["increase 10m"]} >= 5", for = "300s", say = "More than 2 % of the requests to upload and files, and at least five in ten minutes, end in a server error." }
    },
    local.has_exports ? {
      export-absent = { severity = "ERROR", query = "(sum(increase(${local.user_metric}_exports{${local.of_revision}}[36h])) or vector(0)) < 1", for = "3600s", say = "No export of the records was completed for a day and a half: a restore would lose all changes since the last one." }
    } : {},
    local.has_callbacks ? {
      callbacks-fail = { severity = "WARNING", query = "sum(increase(${local.user_metric}_callbacks_failed{${local.of_revision}}[1h])) > 20 and sum(increase(${local.user_metric}_callbacks_failed{${local.of_revision}}[1h])) > (sum(increase(${local.user_metric}_callbacks_delivered{${local.of_revision}}[1h])) or vector(0))", for = "1800s", say = "More callbacks fail than are delivered: `reason` and `origin` of `callback not delivered` say which receiver fails. Tell its operator. Each callback is tried again for 16 hours." }
    } : {},
    local.has_mirror ? {
      mirror-stale = { severity = "ERROR", query = "(sum(increase(run_googleapis_com:job_completed_execution_count{monitored_resource=\"cloud_run_job\",job_name=\"${var.name}-mirror\",result=\"succeeded\"}[1d])) or vector(0)) < 1", for = "3600s", say = "The signature mirror was not refreshed for a day." }
    } : {},
  )
}

resource "google_monitoring_alert_policy" "log" {
  for_each              = local.log_alerts
  project               = var.project_id
  display_name          = "${var.name}: ${each.key}"
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = var.notification_channels
  user_labels           = var.labels
  conditions {
    display_name = each.key
    condition_matched_log {
      filter = each.value.filter
    }
  }
  alert_strategy {
    auto_close = "86400s"
    notification_rate_limit {
      period = "3600s"
    }
  }
  documentation {
    mime_type = "text/markdown"
    content   = "${each.value.say} ${format(local.runbook, each.key)}"
  }
  depends_on = [google_project_service.this]
}

resource "google_monitoring_alert_policy" "metric" {
  for_each              = merge(local.metric_alerts, local.slo_alerts)
  project               = var.project_id
  display_name          = "${var.name}: ${each.key}"
  combiner              = "OR"
  severity              = each.value.severity
  notification_channels = var.notification_channels
  user_labels           = var.labels
  conditions {
    display_name = each.key
    # The metrics do not exist before the functions have run, so Cloud Monitoring must not require them.
    condition_prometheus_query_language {
      query                     = each.value.query
      duration                  = each.value.for
      evaluation_interval       = "60s"
      disable_metric_validation = true
    }
  }
  alert_strategy {
    auto_close = "86400s"
  }
  documentation {
    mime_type = "text/markdown"
    content   = "${each.value.say} ${format(local.runbook, each.key)}"
  }
  depends_on = [google_project_service.this, google_logging_metric.counter, google_logging_metric.distribution]
}
