# Grants (docs/adr/0013; the result is a table in docs/topology.md).
#
# In Cloud Storage, each function has exactly the permissions of the calls it makes, by custom roles, below the prefixes
# where it makes them. An account that may create and not delete cannot replace objects. A listing is a call on the bucket,
# which no prefix narrows; a caller that may not list is told 403 in place of 404 of what is not there, so that all who ask for
# names that may not exist may list.

locals {
  storage_grants = merge(
    {
      # Bytes go in, and nobody but the scanner gets them out.
      "upload.unscanned" = { bucket = "unscanned", permissions = ["create"], prefixes = [] }
      # The parts of resumable uploads are put together by the function, and read where another instance took them.
      "upload.parts" = { bucket = "unscanned", permissions = ["delete", "get"], prefixes = ["parts/"] }
      # An insert whose answer is lost is looked for in a listing.
      "upload.listing" = { bucket = "unscanned", permissions = ["list"], prefixes = [] }
      "upload.records" = { bucket = "permanent", permissions = ["create", "get", "update"], prefixes = ["files/", "idempotency/"] }
      # Scanner and sweeper alone write what became of a file.
      "upload.verdicts" = { bucket = "permanent", permissions = ["get"], prefixes = ["verdicts/"] }
      # Whether uploads are paused, and whose the buckets are. The sweeper alone writes that.
      "upload.deployment"    = { bucket = "permanent", permissions = ["get"], prefixes = ["deployment/"] }
      "files.deployment"     = { bucket = "permanent", permissions = ["get"], prefixes = ["deployment/"] }
      "scanner.deployment"   = { bucket = "permanent", permissions = ["get"], prefixes = ["deployment/"] }
      "rescanner.deployment" = { bucket = "permanent", permissions = ["get"], prefixes = ["deployment/"] }
      "sweeper.deployment"   = { bucket = "permanent", permissions = ["create", "get", "update"], prefixes = ["deployment/"] }
      # It asks for idempotency keys and uploads that may not exist.
      "upload.names"     = { bucket = "permanent", permissions = ["list"], prefixes = [] }
      "files.records"    = { bucket = "permanent", permissions = ["get", "update"], prefixes = ["files/"] }
      "files.verdicts"   = { bucket = "permanent", permissions = ["get"], prefixes = ["verdicts/"] }
      "files.references" = { bucket = "permanent", permissions = ["create", "delete", "get", "update"], prefixes = ["references/", "shared/"] }
      "files.listing"    = { bucket = "permanent", permissions = ["list"], prefixes = [] }
      "files.contents"   = { bucket = "permanent", permissions = ["get"], prefixes = ["blobs/", "accepted/"] }
      "files.findings"   = { bucket = "permanent", permissions = ["get"], prefixes = ["findings/"] }
      # A receipt is written once.
      "files.receipts"  = { bucket = "permanent", permissions = ["create", "get"], prefixes = ["receipts/"] }
      "scanner.source"  = { bucket = "unscanned", permissions = ["delete", "get", "list"], prefixes = [] }
      "scanner.listing" = { bucket = "permanent", permissions = ["list"], prefixes = [] }
      # It cannot change who may see a file.
      "scanner.records"  = { bucket = "permanent", permissions = ["get"], prefixes = ["files/"] }
      "scanner.verdicts" = { bucket = "permanent", permissions = ["create", "get", "update"], prefixes = ["verdicts/"] }
      "scanner.contents" = { bucket = "permanent", permissions = ["create", "get", "update"], prefixes = ["blobs/", "accepted/"] }
      # Nobody deletes a finding.
      "scanner.findings" = { bucket = "permanent", permissions = ["create", "get", "update"], prefixes = ["findings/", "recalls/"] }
      # Candidates for garbage collection, for the sweeper to look at.
      "scanner.candidates" = { bucket = "permanent", permissions = ["create", "get", "update"], prefixes = ["collect/"] }
      # It scans again what was promoted, and can neither promote nor decide on a file.
      "rescanner.listing"  = { bucket = "permanent", permissions = ["list"], prefixes = [] }
      "rescanner.contents" = { bucket = "permanent", permissions = ["get", "update"], prefixes = ["blobs/"] }
      "rescanner.findings" = { bucket = "permanent", permissions = ["create", "get", "update"], prefixes = ["findings/", "recalls/"] }
      # It completes resumable uploads whose parts are all there, by composing them.
      "sweeper.source"   = { bucket = "unscanned", permissions = ["create", "delete", "get", "list"], prefixes = [] }
      "sweeper.listing"  = { bucket = "permanent", permissions = ["list"], prefixes = [] }
      "sweeper.records"  = { bucket = "permanent", permissions = ["create", "delete", "get", "update"], prefixes = ["files/", "references/", "shared/", "idempotency/"] }
      "sweeper.receipts" = { bucket = "permanent", permissions = ["create", "delete"], prefixes = ["receipts/"] }
      "sweeper.verdicts" = { bucket = "permanent", permissions = ["create", "delete", "get", "update"], prefixes = ["verdicts/"] }
      # It brings back what an operator releases.
      "sweeper.contents" = { bucket = "permanent", permissions = ["create", "delete", "get", "update"], prefixes = ["blobs/"] }
      "sweeper.accepted" = { bucket = "permanent", permissions = ["delete", "get"], prefixes = ["accepted/"] }
      # Marks that somebody was erased, for a restore.
      "sweeper.erased"   = { bucket = "permanent", permissions = ["create", "get", "update"], prefixes = ["erased/"] }
      "sweeper.findings" = { bucket = "permanent", permissions = ["create", "get", "update"], prefixes = ["findings/"] }
      "sweeper.places"   = { bucket = "permanent", permissions = ["create", "delete", "get", "update"], prefixes = ["sweeper/", "collect/", "recalls/"] }
    },
    {
      # It reads all names and records, and no byte of a file; it writes where it was stopped.
      "auditor.listing"   = { bucket = "permanent", permissions = ["list"], prefixes = [] }
      "auditor.unscanned" = { bucket = "unscanned", permissions = ["list"], prefixes = [] }
      "auditor.suspects"  = { bucket = "permanent", permissions = ["get"], prefixes = ["findings/", "blobs/", "collect/"] }
      "auditor.place"     = { bucket = "permanent", permissions = ["create", "get", "update"], prefixes = ["auditor/"] }
    },
    local.has_quarantine ? {
      # It scans again what is there, and copies nothing.
      "rescanner.quarantine" = { bucket = "quarantine", permissions = ["get"], prefixes = [] }
      "scanner.quarantine"   = { bucket = "quarantine", permissions = ["create"], prefixes = [] }
      # Contents that were stored and are malware go there, and what an operator releases comes back: a copy needs to read. Bytes of
      # an owner who is erased go.
      "sweeper.quarantine" = { bucket = "quarantine", permissions = ["create", "delete", "get", "list"], prefixes = [] }
    } : {},
    local.has_callbacks ? {
      # Where the callbacks of a file go; it does not ask for files that may not exist.
      "notify.records" = { bucket = "permanent", permissions = ["get"], prefixes = ["files/"] }
    } : {},
    local.has_exports ? {
      # A listing has all of a record; it replaces and deletes no export.
      "exporter.listing" = { bucket = "permanent", permissions = ["list"], prefixes = [] }
      # It restores what operators ask for, and so creates what other functions do.
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

# A URL is signed in the name of the account that signs.
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

# Statements about verdicts, and reports of audits, are signed with a key that nobody can copy, and verified with its public part.
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

# So are statements about what was erased.
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

# First downloads.
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

# The keys that callbacks are signed with.

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

# A role of Cloud Trace is given for a project: https://cloud.google.com/stackdriver/docs/reference/telemetry/overview
resource "google_project_iam_member" "traces" {
  for_each = toset([for name in keys(local.wired) : name if local.traces_to_google && contains(keys(local.accounts), name)])
  project  = var.project_id
  role     = "roles/telemetry.tracesWriter"
  member   = "serviceAccount:${google_service_account.this[each.key].email}"
}
