data "google_project" "this" {
  project_id = var.project_id
}

locals {
  services = toset(["upload", "files", "scanner", "sweeper"])
  apis = toset(concat(
    ["run", "pubsub", "storage", "iam", "cloudscheduler", "monitoring", "logging", "artifactregistry"],
    var.load_balancer == null ? [] : ["compute"],
    var.files.redirect_above_bytes == null ? [] : ["iamcredentials"],
    var.encryption == null ? [] : ["cloudkms"],
  ))
  agents = {
    pubsub = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
    run    = "serviceAccount:service-${data.google_project.this.number}@serverless-robot-prod.iam.gserviceaccount.com"
  }
  kms_key    = try(var.encryption.kms_key, null)
  public_url = var.public_url != null ? var.public_url : var.load_balancer == null ? null : "https://${var.load_balancer.domain}"
  # Without an address for both, upload and files have host names of their own. The deterministic one is known before the
  # service exists, so that the two need not wait for each other:
  # https://cloud.google.com/run/docs/triggering/https-request#deterministic
  run_urls = { for name in ["upload", "files"] : name =>
    "https://${var.name}-${name}-${data.google_project.this.number}.${var.region}.run.app"
  }
  upload_url = coalesce(local.public_url, local.run_urls.upload)
  files_url  = coalesce(local.public_url, local.run_urls.files)
}

resource "google_project_service" "this" {
  for_each           = var.enable_apis ? local.apis : toset([])
  project            = var.project_id
  service            = "${each.key}.googleapis.com"
  disable_on_destroy = false
}
