# IAM grants (docs/adr/0013). docs/topology.md lists the result.
#
# In Cloud Storage, custom roles give each function exactly the permissions of the calls that it makes, below the prefixes where it
# makes them. An account that may create but not delete cannot replace objects. Listing is a call on the bucket, which a condition on
# object names cannot narrow. Cloud Storage answers 403 instead of 404 for a missing object if the caller may not list, so every
# function that asks for names that may not exist may list.

locals {
  storage_grants = merge(
    {
      # Upload can write files, but not read them. Only the scanner and the sweeper can read them here.
      "upload.unscanned" = { bucket = "unscanned", permissions = ["create"], prefixes = [] }
      # Upload composes the parts of resumable uploads, and reads parts that another instance has received.
      "upload.parts" = { bucket = "unscanned", permissions = ["delete", "get"], prefixes = ["parts/"] }
      # If the answer to an insert is lost, upload looks for the object in a listing.
      "upload.listing" = { bucket = "unscanned", permissions = ["list"], prefixes = [] }
      "upload.records" = { bucket = "permanent", permissions = ["create", "get", "update"], prefixes = ["files/", "idempotency/"] }
      # Only the scanner and the sweeper write verdicts.
      "upload.verdicts" = { bucket = "permanent", permissions = ["get"], prefixes = ["verdicts/"] }
      # The state of the deployment: the owner of the buckets, and whether uploads are paused. Only the sweeper writes it.
      "upload.deployment"    = { bucket = "permanent", permissions = ["get"], prefixes = ["deployment/"] }
      "files.deployment"     = { bucket = "permanent", permissions = ["get"], prefixes = ["deployment/"] }
      "scanner.deployment"   = { bucket = "permanent", permissions = ["get"], prefixes = ["deployment/"] }
      "rescanner.deployment" = { bucket = "permanent", permissions = ["get"], prefixes = ["deployment/"] }
      "sweeper.deployment"   = { bucket = "permanent", permissions = ["create", "get", "update"], prefixes = ["deployment/"] }
      # Upload asks for idempotency keys and resumable uploads that may not exist.
      "upload.names"     = { bucket = "permanent", permissions = ["list"], prefixes = [] }
      "files.records"    = { bucket = "permanent", permissions = ["get", "update"], prefixes = ["files/"] }
      "files.verdicts"   = { bucket = "permanent", permissions = ["get"], prefixes = ["verdicts/"] }
      "files.references" = { bucket = "permanent", permissions = ["create", "delete", "get", "update"], prefixes = ["references/", "shared/"] }
      "files.listing"    = { bucket = "permanent", permissions = ["list"], prefixes = [] }
      "files.contents"   = { bucket = "permanent", permissions = ["get"], prefixes = ["blobs/", "accepted/"] }
      "files.findings"   = { bucket = "permanent", permissions = ["get"], prefixes = ["findings/"] }
      # A receipt is written once and never changed.
      "files.receipts"  = { bucket = "permanent", permissions = ["create", "get"], prefixes = ["receipts/"] }
      "scanner.source"  = { bucket = "unscanned", permissions = ["delete", "get", "list"], prefixes = [] }
      "scanner.listing" = { bucket = "permanent", permissions = ["list"], prefixes = [] }
      # The scanner cannot change who may see a file.
      "scanner.records"  = { bucket = "permanent", permissions = ["get"], prefixes = ["files/"] }
      "scanner.verdicts" = { bucket = "permanent", permissions = ["create", "get", "update"], prefixes = ["verdicts/"] }
      "scanner.contents" = { bucket = "permanent", permissions = ["create", "get", "update"], prefixes = ["blobs/", "accepted/"] }
      # No account may delete findings.
      "scanner.findings" = { bucket = "permanent", permissions = ["create", "get", "update"], prefixes = ["findings/", "recalls/"] }
      # The scanner records candidates for garbage collection, which the sweeper checks.
      "scanner.candidates" = { bucket = "permanent", permissions = ["create", "get", "update"], prefixes = ["collect/"] }
      # The rescanner scans promoted contents again. It can neither promote contents nor write verdicts.
      "rescanner.listing"  = { bucket = "permanent", permissions = ["list"], prefixes = [] }
      "rescanner.contents" = { bucket = "permanent", permissions = ["get", "update"], prefixes = ["blobs/"] }
      "rescanner.findings" = { bucket = "permanent", permissions = ["create", "get", "update"], prefixes = ["findings/", "recalls/"] }
      # The sweeper completes resumable uploads whose parts have all arrived, by composing them.
      "sweeper.source"   = { bucket = "unscanned", permissions = ["create", "delete", "get", "list"], prefixes = [] }
      "sweeper.listing"  = { bucket = "permanent", permissions = ["list"], prefixes = [] }
      "sweeper.records"  = { bucket = "permanent", permissions = ["create", "delete", "get", "update"], prefixes = ["files/", "references/", "shared/", "idempotency/"] }
      "sweeper.receipts" = { bucket = "permanent", permissions = ["create", "delete"], prefixes = ["receipts/"] }
      "sweeper.verdicts" = { bucket = "permanent", permissions = ["create", "delete", "get", "update"], prefixes = ["verdicts/"] }
      # The sweeper restores a quarantined content if an operator releases it.
      "sweeper.contents" = { bucket = "permanent", permissions = ["create", "delete", "get", "update"], prefixes = ["blobs/"] }
      "sweeper.accepted" = { bucket = "permanent", permissions = ["delete", "get"], prefixes = ["accepted/"] }
      # Erasure marks: a restore leaves out the data of people who have been erased.
      "sweeper.erased"   = { bucket = "permanent", permissions = ["create", "get", "update"], prefixes = ["erased/"] }
      "sweeper.findings" = { bucket = "permanent", permissions = ["create", "get", "update"], prefixes = ["findings/"] }
      "sweeper.places"   = { bucket = "permanent", permissions = ["create", "delete", "get", "update"], prefixes = ["sweeper/", "collect/", "recalls/"] }
    },
    {
      # The auditor reads all names and records from listings, and metadata of suspicious objects. It reads no bytes of files, although
      # `get` would allow that. It can write only its position and its reports.
      "auditor.listing"   = { bucket = "permanent", permissions = ["list"], prefixes = [] }
      "auditor.unscanned" = { bucket = "unscanned", permissions = ["list"], prefixes = [] }
      "auditor.suspects"  = { bucket = "permanent", permissions = ["get"], prefixes = ["findings/", "blobs/", "collect/"] }
      "auditor.place"     = { bucket = "permanent", permissions = ["create", "get", "update"], prefixes = ["auditor/"] }
    },
    local.has_quarantine ? {
      # The rescanner scans quarantined contents again and copies nothing.
      "rescanner.quarantine" = { bucket = "quarantine", permissions = ["get"], prefixes = [] }
      "scanner.quarantine"   = { bucket = "quarantine", permissions = ["create"], prefixes = [] }
      # The sweeper copies stored contents that turn out to be malware here, and copies them back if an operator releases them; a copy
      # needs `get`. It deletes the bytes of an owner who is erased.
      "sweeper.quarantine" = { bucket = "quarantine", permissions = ["create", "delete", "get", "list"], prefixes = [] }
    } : {},
    local.has_callbacks ? {
      # Notify reads where to send the callbacks of a file. It does not list, because it never asks for files that may not exist.
      "notify.records" = { bucket = "permanent", permissions = ["get"], prefixes = ["files/"] }
    } : {},
    local.has_exports ? {
      # The exporter gets whole records from listings. It can neither replace nor delete exports.
      "exporter.listing" = { bucket = "permanent", permissions = ["list"], prefixes = [] }
      # The sweeper restores exports if an operator asks for it. That is why it may also create the objects of other functions.
      "sweeper.exports"  = { bucket = "exports", permissions = ["get", "list"], prefixes = [] }
      "exporter.archive" = { bucket = "exports", permissions = ["create", "get", "list"], prefixes = [] }
    } : {},
    local.has_mirror ? {
      "rescanner.signatures" = { bucket = "signatures", permissions = ["get"], prefixes = [] }
      "scanner.signatures"   = { bucket = "signatures", permissions = ["get"], prefixes = [] }
      "mirror.signatures"    = { bucket = "signatures", permissions = ["create", "delete", "get", "list"], prefixes = [] }
    } : {},
  )
}

resource "google_project_iam_custom_role" "objects" {
  for_each    = toset([for grant in values(local.storage_grants) : join("_", sort(grant.permissions))])
  project     = var.project_id
  role_id     = "${replace(var.name, "-", "_")}_objects_${each.key}"
  title       = "${var.name} objects: ${replace(each.key, "_", ", ")}"
  permissions = [for verb in split("_", each.key) : "storage.objects.${verb}"]
  depends_on  = [google_project_service.this]
}

resource "google_storage_bucket_iam_member" "objects" {
  for_each = local.storage_grants
  bucket   = local.buckets[each.value.bucket]
  role     = "projects/${var.project_id}/roles/${google_project_iam_custom_role.objects[join("_", sort(each.value.permissions))].role_id}"
  member   = google_service_account.this[split(".", each.key)[0]].member
  dynamic "condition" {
    for_each = length(each.value.prefixes) > 0 ? [each.value.prefixes] : []
    content {
      title = "Below ${join(" and ", condition.value)}"
      expression = join(" || ", [
        for prefix in condition.value : "resource.name.startsWith(\"projects/_/buckets/${local.buckets[each.value.bucket]}/objects/${prefix}\")"
      ])
    }
  }
}

resource "google_storage_bucket_iam_member" "quarantine_readers" {
  for_each = { for index, member in var.quarantine.readers : index => member if local.has_quarantine }
  bucket   = local.buckets.quarantine
  role     = "roles/storage.objectViewer"
  member   = each.value
}

# The files function signs URLs with its own service account.
resource "google_project_iam_custom_role" "sign" {
  count       = var.files.redirect_above_bytes == null ? 0 : 1
  project     = var.project_id
  role_id     = "${replace(var.name, "-", "_")}_sign"
  title       = "${var.name} sign URLs"
  permissions = ["iam.serviceAccounts.signBlob"]
  depends_on  = [google_project_service.this]
}

resource "google_service_account_iam_member" "files_sign" {
  count              = var.files.redirect_above_bytes == null ? 0 : 1
  service_account_id = google_service_account.this["files"].name
  role               = "projects/${var.project_id}/roles/${google_project_iam_custom_role.sign[0].role_id}"
  member             = google_service_account.this["files"].member
}

# The files function signs statements about verdicts, and the auditor signs its reports, with a key that cannot be copied out of Cloud
# KMS. The public key verifies both.
resource "google_kms_crypto_key_iam_member" "signing" {
  for_each = {
    for pair in setproduct(["files", "auditor"], var.verdicts == null ? [] : ["roles/cloudkms.signer", "roles/cloudkms.publicKeyViewer"]) :
    "${pair[0]} ${pair[1]}" => { account = pair[0], role = pair[1] }
  }
  crypto_key_id = split("/cryptoKeyVersions/", var.verdicts.key_version)[0]
  role          = each.value.role
  member        = google_service_account.this[each.value.account].member
  depends_on    = [google_project_service.this]
}

# The sweeper signs statements about erasures with the same key.
resource "google_kms_crypto_key_iam_member" "sweeper_verdicts" {
  for_each      = toset(var.verdicts == null ? [] : ["roles/cloudkms.signer", "roles/cloudkms.publicKeyViewer"])
  crypto_key_id = split("/cryptoKeyVersions/", var.verdicts.key_version)[0]
  role          = each.value
  member        = google_service_account.this["sweeper"].member
  depends_on    = [google_project_service.this]
}

# Publishing.

resource "google_pubsub_topic_iam_member" "scanner_events" {
  project = var.project_id
  topic   = google_pubsub_topic.scan_events.name
  role    = "roles/pubsub.publisher"
  member  = google_service_account.this["scanner"].member
}

# The files function publishes `file.downloaded.v1` and `file.shared.v1`.
resource "google_pubsub_topic_iam_member" "files_events" {
  project = var.project_id
  topic   = google_pubsub_topic.scan_events.name
  role    = "roles/pubsub.publisher"
  member  = google_service_account.this["files"].member
}

resource "google_pubsub_topic_iam_member" "rescanner_events" {
  project = var.project_id
  topic   = google_pubsub_topic.scan_events.name
  role    = "roles/pubsub.publisher"
  member  = google_service_account.this["rescanner"].member
}

resource "google_pubsub_topic_iam_member" "files_rescan" {
  project = var.project_id
  topic   = google_pubsub_topic.rescan.name
  role    = "roles/pubsub.publisher"
  member  = google_service_account.this["files"].member
}

resource "google_pubsub_topic_iam_member" "sweeper_rescan" {
  project = var.project_id
  topic   = google_pubsub_topic.rescan.name
  role    = "roles/pubsub.publisher"
  member  = google_service_account.this["sweeper"].member
}

resource "google_pubsub_topic_iam_member" "sweeper_events" {
  project = var.project_id
  topic   = google_pubsub_topic.scan_events.name
  role    = "roles/pubsub.publisher"
  member  = google_service_account.this["sweeper"].member
}

resource "google_pubsub_topic_iam_member" "sweeper_finalized" {
  project = var.project_id
  topic   = google_pubsub_topic.finalized.name
  role    = "roles/pubsub.publisher"
  member  = google_service_account.this["sweeper"].member
}

# Calling services.

resource "google_cloud_run_v2_service_iam_member" "api" {
  for_each = merge([for function in ["upload", "files"] : { for index, member in var.invoker_iam_disabled ? [] : var.api_invokers : "${function}-${index}" => { function = function, member = member } }]...)
  project  = var.project_id
  location = var.region
  name     = google_cloud_run_v2_service.function[each.value.function].name
  role     = "roles/run.invoker"
  member   = each.value.member
}

resource "google_cloud_run_v2_service_iam_member" "push_scanner" {
  for_each = local.scanners
  project  = var.project_id
  location = var.region
  name     = google_cloud_run_v2_service.scanner[each.key].name
  role     = "roles/run.invoker"
  member   = google_service_account.this["push"].member
}

resource "google_cloud_run_v2_service_iam_member" "push_sweeper" {
  project  = var.project_id
  location = var.region
  name     = google_cloud_run_v2_service.function["sweeper"].name
  role     = "roles/run.invoker"
  member   = google_service_account.this["push"].member
}

resource "google_cloud_run_v2_service_iam_member" "push_notify" {
  count    = local.has_callbacks ? 1 : 0
  project  = var.project_id
  location = var.region
  name     = google_cloud_run_v2_service.function["notify"].name
  role     = "roles/run.invoker"
  member   = google_service_account.this["push"].member
}

resource "google_cloud_run_v2_service_iam_member" "schedule_sweeper" {
  project  = var.project_id
  location = var.region
  name     = google_cloud_run_v2_service.function["sweeper"].name
  role     = "roles/run.invoker"
  member   = google_service_account.this["schedule"].member
}

resource "google_cloud_run_v2_service_iam_member" "schedule_auditor" {
  project  = var.project_id
  location = var.region
  name     = google_cloud_run_v2_service.function["auditor"].name
  role     = "roles/run.invoker"
  member   = google_service_account.this["schedule"].member
}

resource "google_cloud_run_v2_service_iam_member" "schedule_exporter" {
  count    = local.has_exports ? 1 : 0
  project  = var.project_id
  location = var.region
  name     = google_cloud_run_v2_service.function["exporter"].name
  role     = "roles/run.invoker"
  member   = google_service_account.this["schedule"].member
}

resource "google_cloud_run_v2_service_iam_member" "operators_sweeper" {
  for_each = { for index, member in var.sweeper.operators : index => member }
  project  = var.project_id
  location = var.region
  name     = google_cloud_run_v2_service.function["sweeper"].name
  role     = "roles/run.invoker"
  member   = each.value
}

resource "google_cloud_run_v2_job_iam_member" "schedule_mirror" {
  count    = local.has_mirror ? 1 : 0
  project  = var.project_id
  location = var.region
  name     = google_cloud_run_v2_job.mirror[0].name
  role     = "roles/run.invoker"
  member   = google_service_account.this["schedule"].member
}

# The secret has the keys that sign callbacks.

resource "google_secret_manager_secret_iam_member" "notify_keys" {
  count     = local.has_callbacks ? 1 : 0
  secret_id = var.callbacks.keys_secret
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.this["notify"].member
}

# Subscribers that pull.

resource "google_pubsub_subscription_iam_member" "subscribers" {
  for_each = merge([
    for name, subscription in var.subscriptions : { for index, member in subscription.subscribers : "${name}-${index}" => { name = name, member = member } }
  ]...)
  project      = var.project_id
  subscription = google_pubsub_subscription.subscriber[each.value.name].name
  role         = "roles/pubsub.subscriber"
  member       = each.value.member
}

# Roles of Cloud Trace are granted on the project: https://cloud.google.com/stackdriver/docs/reference/telemetry/overview
resource "google_project_iam_member" "traces" {
  for_each = toset([for name in keys(local.wired) : name if local.traces_to_google && contains(keys(local.accounts), name)])
  project  = var.project_id
  role     = "roles/telemetry.tracesWriter"
  member   = "serviceAccount:${google_service_account.this[each.key].email}"
}
