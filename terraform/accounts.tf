# One service account for each workload and each caller, so that each has only the permissions that it needs.

locals {
  accounts = merge(
    {
      upload    = "upload function"
      files     = "files function"
      scanner   = "scanner function and ClamAV"
      rescanner = "scanner function and ClamAV, which scan again"
      sweeper   = "sweeper function"
      auditor   = "sweeper function, which audits"
      push      = "Pub/Sub, when it calls functions"
      schedule  = "Cloud Scheduler, when it calls sweeper, auditor, exporter and mirror"
    },
    local.has_callbacks ? { notify = "notify function" } : {},
    local.has_exports ? { exporter = "sweeper function, which exports records" } : {},
    local.has_mirror ? { mirror = "the job that fills the signature mirror" } : {},
    length(local.pushed) > 0 ? { delivery = "Pub/Sub, when it calls subscribers" } : {},
  )
}

resource "google_service_account" "this" {
  for_each     = local.accounts
  project      = var.project_id
  account_id   = "${var.name}-${each.key}"
  display_name = "HOPS Fileshare: ${each.value}"
  depends_on   = [google_project_service.this]
}
