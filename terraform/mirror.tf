# A mirror of ClamAV's signatures in our bucket. A job downloads from ClamAV's CDN, and the sidecars read the bucket (docs/signatures.md).
# The CDN blocks clients that download for every new instance, and this way the scanner needs no access to the internet.

# The job keeps the files from before each update, to roll back to. Older versions can be restored by hand.
resource "google_storage_bucket" "signatures" {
  count                       = local.has_mirror ? 1 : 0
  project                     = var.project_id
  name                        = "${var.project_id}-${var.name}-signatures"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true
  labels                      = var.labels

  versioning {
    enabled = true
  }
  lifecycle_rule {
    condition {
      days_since_noncurrent_time = 14
    }
    action {
      type = "Delete"
    }
  }
  dynamic "encryption" {
    for_each = var.encryption[*]
    content {
      default_kms_key_name = local.kms_key
    }
  }
  depends_on = [google_project_service.this, google_kms_crypto_key_iam_member.agents]
}

resource "google_cloud_run_v2_job" "mirror" {
  count               = local.has_mirror ? 1 : 0
  project             = var.project_id
  location            = var.region
  name                = "${var.name}-mirror"
  deletion_protection = false
  labels              = var.labels

  template {
    labels = var.labels
    template {
      service_account       = google_service_account.this["mirror"].email
      timeout               = "1800s"
      max_retries           = 1
      execution_environment = "EXECUTION_ENVIRONMENT_GEN2"
      encryption_key        = local.kms_key
      containers {
        name    = "mirror"
        image   = var.images.clamav
        command = ["tini", "-g", "--", "/app/mirror-job.sh"]
        resources {
          # Memory holds the signature files, about 600 MB with the previous ones, and the process that loads them: first freshclam's
          # test of each file, then the trial of all, which ends before the upload.
          limits = { cpu = "2", memory = "4Gi" }
        }
        dynamic "env" {
          # The trial may use half of a sidecar's memory for signatures: during a reload, a sidecar holds the old and the new ones.
          for_each = {
            SIGNATURE_MIRROR     = "gs://${local.buckets.signatures}"
            SIGNATURE_FILES      = join(" ", var.signatures.files)
            TRIAL_LOAD_SECONDS   = tostring(local.clamav_startup_sec)
            TRIAL_MEMORY_BYTES   = tostring(floor(var.scanner.signature_memory_mib * 1048576 / 2))
            TRIAL_MAX_HOLD_HOURS = tostring(var.signatures.max_hold_hours)
          }
          content {
            name  = env.key
            value = env.value
          }
        }
      }
    }
  }
  depends_on = [google_project_service.this, google_storage_bucket_iam_member.objects, google_kms_crypto_key_iam_member.agents]
}
