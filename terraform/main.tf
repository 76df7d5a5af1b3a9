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
}

resource "google_project_service" "this" {
  for_each           = var.enable_apis ? local.apis : toset([])
  project            = var.project_id
  service            = "${each.key}.googleapis.com"
  disable_on_destroy = false
}
