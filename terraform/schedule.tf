locals {
  scheduler_region = coalesce(var.scheduler_region, var.region)
}

resource "google_cloud_scheduler_job" "sweeper" {
  for_each = {
    sweep   = { schedule = var.sweeper.sweep_schedule, deadline = "600s" }
    collect = { schedule = var.sweeper.collect_schedule, deadline = "1800s" }
    rescan  = { schedule = var.rescan.schedule, deadline = "1800s" }
  }
  project          = var.project_id
  region           = local.scheduler_region
  name             = "${var.name}-${each.key}"
  schedule         = each.value.schedule
  time_zone        = "Etc/UTC"
  attempt_deadline = each.value.deadline
  http_target {
    http_method = "POST"
    uri         = "${google_cloud_run_v2_service.function["sweeper"].uri}/${each.key}"
    oidc_token {
      service_account_email = google_service_account.this["schedule"].email
      audience              = google_cloud_run_v2_service.function["sweeper"].uri
    }
  }
  depends_on = [google_cloud_run_v2_service_iam_member.schedule_sweeper]
}

resource "google_cloud_scheduler_job" "auditor" {
  project          = var.project_id
  region           = local.scheduler_region
  name             = "${var.name}-audit"
  schedule         = var.audit_schedule
  time_zone        = "Etc/UTC"
  attempt_deadline = "1800s"
  http_target {
    http_method = "POST"
    uri         = "${google_cloud_run_v2_service.function["auditor"].uri}/audit"
    oidc_token {
      service_account_email = google_service_account.this["schedule"].email
      audience              = google_cloud_run_v2_service.function["auditor"].uri
    }
  }
  depends_on = [google_cloud_run_v2_service_iam_member.schedule_auditor]
}

resource "google_cloud_scheduler_job" "exporter" {
  count            = local.has_exports ? 1 : 0
  project          = var.project_id
  region           = local.scheduler_region
  name             = "${var.name}-export"
  schedule         = var.exports.schedule
  time_zone        = "Etc/UTC"
  attempt_deadline = "1800s"
  http_target {
    http_method = "POST"
    uri         = "${google_cloud_run_v2_service.function["exporter"].uri}/export"
    oidc_token {
      service_account_email = google_service_account.this["schedule"].email
      audience              = google_cloud_run_v2_service.function["exporter"].uri
    }
  }
  depends_on = [google_cloud_run_v2_service_iam_member.schedule_exporter]
}

resource "google_cloud_scheduler_job" "mirror" {
  count            = local.has_mirror ? 1 : 0
  project          = var.project_id
  region           = local.scheduler_region
  name             = "${var.name}-mirror"
  schedule         = var.signatures.schedule
  time_zone        = "Etc/UTC"
  attempt_deadline = "180s"
  retry_config {
    retry_count = 2
  }
  http_target {
    http_method = "POST"
    uri         = "https://run.googleapis.com/v2/projects/${var.project_id}/locations/${var.region}/jobs/${google_cloud_run_v2_job.mirror[0].name}:run"
    oauth_token {
      service_account_email = google_service_account.this["schedule"].email
    }
  }
  depends_on = [google_cloud_run_v2_job_iam_member.schedule_mirror]
}
