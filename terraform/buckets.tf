# The buckets unscanned, permanent and quarantine, unless `existing_buckets` names them, and exports. The signature bucket is in mirror.tf.

locals {
  # Days after which an export is gone: `keep_days`, 1 day as a noncurrent version, 7 days soft-deleted, and 2 days for lifecycle rules to act.
  exports_gone_after_days = try(var.exports.keep_days, 35) + 10

  new_buckets     = var.existing_buckets == null
  bucket_location = coalesce(var.bucket_location, var.region)
  has_quarantine  = local.new_buckets ? var.quarantine.enabled : var.existing_buckets.quarantine != null
  has_mirror      = var.signatures.mirror == null

  # These names refer to the bucket resources, so what uses a name waits for the bucket and for the grants on its key.
  buckets = merge(
    {
      unscanned = local.new_buckets ? one(google_storage_bucket.unscanned[*].name) : var.existing_buckets.unscanned
      permanent = local.new_buckets ? one(google_storage_bucket.permanent[*].name) : var.existing_buckets.permanent
    },
    local.has_quarantine ? {
      quarantine = local.new_buckets ? one(google_storage_bucket.quarantine[*].name) : var.existing_buckets.quarantine
    } : {},
    local.has_exports ? { exports = one(google_storage_bucket.exports[*].name) } : {},
    local.has_mirror ? { signatures = one(google_storage_bucket.signatures[*].name) } : {},
  )
}

# Bytes that have not been scanned. Deletions are final, because versions and soft delete would keep malware.
resource "google_storage_bucket" "unscanned" {
  count                       = local.new_buckets ? 1 : 0
  project                     = var.project_id
  name                        = "${var.project_id}-${var.name}-unscanned"
  location                    = local.bucket_location
  rpo                         = var.turbo_replication ? "ASYNC_TURBO" : null
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = var.force_destroy
  labels                      = var.labels

  dynamic "custom_placement_config" {
    for_each = length(var.bucket_data_locations) > 0 ? [var.bucket_data_locations] : []
    content {
      data_locations = custom_placement_config.value
    }
  }
  soft_delete_policy {
    retention_duration_seconds = 0
  }
  lifecycle_rule {
    condition {
      age = var.unscanned_delete_after_days
    }
    action {
      type = "Delete"
    }
  }
  lifecycle_rule {
    condition {
      age = 7
    }
    action {
      type = "AbortIncompleteMultipartUpload"
    }
  }
  dynamic "cors" {
    for_each = length(local.exact_cors_origins) > 0 ? [1] : []
    content {
      origin          = local.exact_cors_origins
      method          = ["PUT", "POST", "DELETE"]
      response_header = ["Content-Type", "Content-Range", "Range", "Location", "X-Goog-Upload-Status", "X-GUploader-UploadID"]
      max_age_seconds = 3600
    }
  }
  dynamic "encryption" {
    for_each = var.encryption[*]
    content {
      default_kms_key_name = local.bucket_kms_key
    }
  }
  depends_on = [google_project_service.this, google_kms_crypto_key_iam_member.agents]
}

# Records and clean contents. Versioning is off: a content never changes, and a record is the metadata of an object, of which Cloud
# Storage keeps no versions.
resource "google_storage_bucket" "permanent" {
  count                       = local.new_buckets ? 1 : 0
  project                     = var.project_id
  name                        = "${var.project_id}-${var.name}-permanent"
  location                    = local.bucket_location
  rpo                         = var.turbo_replication ? "ASYNC_TURBO" : null
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = var.force_destroy
  labels                      = var.labels

  dynamic "custom_placement_config" {
    for_each = length(var.bucket_data_locations) > 0 ? [var.bucket_data_locations] : []
    content {
      data_locations = custom_placement_config.value
    }
  }
  soft_delete_policy {
    retention_duration_seconds = var.permanent_soft_delete_days * 86400
  }
  # Erasure marks outlive every export from which erased data could be restored.
  lifecycle_rule {
    condition {
      age            = local.exports_gone_after_days
      matches_prefix = ["erased/"]
    }
    action {
      type = "Delete"
    }
  }
  # Signed reports of audits. The auditor sets a custom time on a report once there is a newer one, so the newest is never deleted.
  lifecycle_rule {
    condition {
      age                    = var.audit_reports_keep_days
      days_since_custom_time = 1
      matches_prefix         = ["auditor/reports/"]
    }
    action {
      type = "Delete"
    }
  }
  dynamic "retention_policy" {
    for_each = var.retention[*]
    content {
      retention_period = retention_policy.value.days * 86400
      is_locked        = retention_policy.value.locked
    }
  }
  dynamic "encryption" {
    for_each = var.encryption[*]
    content {
      default_kms_key_name = local.bucket_kms_key
    }
  }
  depends_on = [google_project_service.this, google_kms_crypto_key_iam_member.agents]
}

# Infected and unscannable bytes, for the security team (`quarantine.readers`). Deletions are final, as in the unscanned bucket.
resource "google_storage_bucket" "quarantine" {
  count                       = local.new_buckets && var.quarantine.enabled ? 1 : 0
  project                     = var.project_id
  name                        = "${var.project_id}-${var.name}-quarantine"
  location                    = local.bucket_location
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = var.force_destroy
  labels                      = var.labels

  soft_delete_policy {
    retention_duration_seconds = 0
  }
  lifecycle_rule {
    condition {
      age = var.quarantine.delete_after_days
    }
    action {
      type = "Delete"
    }
  }
  dynamic "encryption" {
    for_each = var.encryption[*]
    content {
      default_kms_key_name = local.bucket_kms_key
    }
  }
  depends_on = [google_project_service.this, google_kms_crypto_key_iam_member.agents]
}

# Exports of records, in a different location than the records. They contain personal data, so these rules limit how long a deleted
# file stays in them: `keep_days`, then 1 day as a noncurrent version and 7 days soft-deleted (docs/recovery.md).
resource "google_storage_bucket" "exports" {
  count                       = local.has_exports ? 1 : 0
  project                     = var.project_id
  name                        = "${var.project_id}-${var.name}-exports"
  location                    = var.exports.location
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = var.force_destroy
  labels                      = var.labels

  versioning {
    enabled = true
  }
  soft_delete_policy {
    retention_duration_seconds = 7 * 86400
  }
  lifecycle_rule {
    condition {
      age = var.exports.keep_days
    }
    action {
      type = "Delete"
    }
  }
  lifecycle_rule {
    condition {
      days_since_noncurrent_time = 1
    }
    action {
      type = "Delete"
    }
  }
  lifecycle_rule {
    condition {
      age = 7
    }
    action {
      type = "AbortIncompleteMultipartUpload"
    }
  }
  dynamic "encryption" {
    for_each = var.encryption[*]
    content {
      default_kms_key_name = local.exports_kms_key
    }
  }
  depends_on = [google_project_service.this, google_kms_crypto_key_iam_member.agents]
}
