# Reads the project number from the Cloud Resource Manager API, which is not enabled in a new project. Set `project_number` to avoid
# this call.
data "google_project" "this" {
  count      = var.project_number == null ? 1 : 0
  project_id = var.project_id
}

locals {
  has_callbacks = var.callbacks != null
  has_exports   = var.exports != null
  # Spans for any other collector are sent without credentials.
  traces_to_google = can(regex("^https://telemetry\\.googleapis\\.com(/|$)", var.tracing_endpoint))
  services         = toset(["upload", "files", "scanner", "rescanner", "sweeper", "auditor"])
  apis = toset(concat(
    ["run", "pubsub", "storage", "iam", "cloudscheduler", "monitoring", "logging", "artifactregistry"],
    var.load_balancer == null ? [] : ["compute"],
    var.files.redirect_above_bytes == null ? [] : ["iamcredentials"],
    var.encryption == null && var.verdicts == null ? [] : ["cloudkms"],
    local.has_callbacks ? ["secretmanager"] : [],
    local.traces_to_google ? ["telemetry", "cloudtrace"] : [],
  ))
  project_number = var.project_number != null ? var.project_number : data.google_project.this[0].number
  agents = {
    pubsub = "serviceAccount:service-${local.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"
    run    = "serviceAccount:service-${local.project_number}@serverless-robot-prod.iam.gserviceaccount.com"
  }
  # A bucket accepts only keys of its own location. Cloud KMS has other names for the multi-regions:
  # https://cloud.google.com/storage/docs/encryption/customer-managed-keys
  multi_regions        = { EU = "europe", US = "us", ASIA = "asia" }
  bucket_key_location  = lookup(local.multi_regions, upper(local.bucket_location), lower(local.bucket_location))
  exports_key_location = try(lookup(local.multi_regions, upper(var.exports.location), lower(var.exports.location)), null)
  kms_key              = try(var.encryption.kms_keys[var.region], null)
  bucket_kms_key       = try(var.encryption.kms_keys[local.bucket_key_location], null)
  exports_kms_key      = try(var.encryption.kms_keys[local.exports_key_location], null)
  public_url           = var.public_url != null ? var.public_url : var.load_balancer == null ? null : "https://${var.load_balancer.domain}"
  # Without a common address, upload and files have separate host names. The deterministic URL of a service is known before the service
  # exists, so neither has to wait for the other: https://cloud.google.com/run/docs/triggering/https-request#deterministic
  run_urls = { for name in ["upload", "files"] : name =>
    "https://${var.name}-${name}-${local.project_number}.${var.region}.run.app"
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
