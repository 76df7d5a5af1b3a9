# Cloud Storage notifies the scanner of finalized objects through Pub/Sub (docs/adr/0012). The sweeper publishes to the same topic to
# redrive a file, and receives the events that the scanner has refused too often. Scanner, rescanner, files and sweeper publish
# scan events, to which others subscribe.

locals {
  week = "604800s"
  # Pub/Sub allows at most 100 attempts. With pauses of 10, 20, 40, 80 and then 120 s, they last for 3.2 hours. Then the sweeper redrives
  # the file (docs/adr/0025).
  finalized_attempts = 100
  pushed             = { for name, subscription in var.subscriptions : name => subscription if subscription.push != null }
}

resource "google_pubsub_topic" "finalized" {
  project      = var.project_id
  name         = "${var.name}-finalized"
  kms_key_name = local.kms_key
  labels       = var.labels
  depends_on   = [google_project_service.this, google_kms_crypto_key_iam_member.agents]
}

resource "google_pubsub_topic" "finalized_dead" {
  project      = var.project_id
  name         = "${var.name}-finalized-dead"
  kms_key_name = local.kms_key
  labels       = var.labels
  depends_on   = [google_project_service.this, google_kms_crypto_key_iam_member.agents]
}

# The subscription must exist first, because messages that are published before it are lost.
resource "google_storage_notification" "finalized" {
  bucket         = local.buckets.unscanned
  topic          = google_pubsub_topic.finalized.id
  payload_format = "JSON_API_V1"
  event_types    = ["OBJECT_FINALIZE"]
  depends_on     = [google_pubsub_topic_iam_member.storage_publishes, google_pubsub_subscription.finalized_scanner]
}

resource "google_pubsub_subscription" "finalized_scanner" {
  project                    = var.project_id
  name                       = "${var.name}-finalized-scanner"
  topic                      = google_pubsub_topic.finalized.id
  filter                     = "NOT hasPrefix(attributes.objectId, \"parts/\")"
  ack_deadline_seconds       = 600
  message_retention_duration = local.week
  labels                     = var.labels
  push_config {
    push_endpoint = "${google_cloud_run_v2_service.scanner["scanner"].uri}/"
    oidc_token {
      service_account_email = google_service_account.this["push"].email
      audience              = google_cloud_run_v2_service.scanner["scanner"].uri
    }
  }
  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "120s"
  }
  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.finalized_dead.id
    max_delivery_attempts = local.finalized_attempts
  }
  expiration_policy {
    ttl = ""
  }
  depends_on = [
    google_cloud_run_v2_service_iam_member.push_scanner,
    google_pubsub_topic_iam_member.dead_letters,
    google_pubsub_subscription.finalized_dead_sweeper,
  ]
}

# This subscription has no dead letter topic. If the sweeper does not accept a message within a week, a sweep finds its file in the bucket.
resource "google_pubsub_subscription" "finalized_dead_sweeper" {
  project                    = var.project_id
  name                       = "${var.name}-finalized-dead-sweeper"
  topic                      = google_pubsub_topic.finalized_dead.id
  ack_deadline_seconds       = 600
  message_retention_duration = local.week
  labels                     = var.labels
  push_config {
    push_endpoint = "${google_cloud_run_v2_service.function["sweeper"].uri}/dead-letters"
    oidc_token {
      service_account_email = google_service_account.this["push"].email
      audience              = google_cloud_run_v2_service.function["sweeper"].uri
    }
  }
  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }
  expiration_policy {
    ttl = ""
  }
  depends_on = [google_cloud_run_v2_service_iam_member.push_sweeper]
}

# Requests to scan stored contents again (docs/adr/0034). If one becomes a dead letter, the sweeper sends another one a day later.
resource "google_pubsub_topic" "rescan" {
  project      = var.project_id
  name         = "${var.name}-rescan"
  kms_key_name = local.kms_key
  labels       = var.labels
  depends_on   = [google_project_service.this, google_kms_crypto_key_iam_member.agents]
}

resource "google_pubsub_topic" "rescan_dead" {
  project      = var.project_id
  name         = "${var.name}-rescan-dead"
  kms_key_name = local.kms_key
  labels       = var.labels
  depends_on   = [google_project_service.this, google_kms_crypto_key_iam_member.agents]
}

resource "google_pubsub_subscription" "rescan" {
  project                    = var.project_id
  name                       = "${var.name}-rescan-rescanner"
  topic                      = google_pubsub_topic.rescan.id
  ack_deadline_seconds       = 600
  message_retention_duration = local.week
  labels                     = var.labels
  push_config {
    push_endpoint = "${google_cloud_run_v2_service.scanner["rescanner"].uri}/"
    oidc_token {
      service_account_email = google_service_account.this["push"].email
      audience              = google_cloud_run_v2_service.scanner["rescanner"].uri
    }
  }
  # A hundred attempts with pauses of up to ten minutes last for 16 hours.
  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }
  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.rescan_dead.id
    max_delivery_attempts = local.finalized_attempts
  }
  expiration_policy {
    ttl = ""
  }
  depends_on = [
    google_cloud_run_v2_service_iam_member.push_scanner,
    google_pubsub_topic_iam_member.dead_letters,
    google_pubsub_subscription.rescan_dead,
  ]
}

# An operator reads these dead letters; the alert `dead-letters-wait` reports them.
resource "google_pubsub_subscription" "rescan_dead" {
  project                    = var.project_id
  name                       = "${var.name}-rescan-dead"
  topic                      = google_pubsub_topic.rescan_dead.id
  message_retention_duration = local.week
  labels                     = var.labels
  expiration_policy {
    ttl = ""
  }
}

resource "google_pubsub_schema" "scan_event" {
  count      = var.scan_events.enforce_schema ? 1 : 0
  project    = var.project_id
  name       = "${var.name}-scan-event"
  type       = "PROTOCOL_BUFFER"
  definition = file("${path.module}/scan-event.proto")
  depends_on = [google_project_service.this]
}

resource "google_pubsub_topic" "scan_events" {
  project                    = var.project_id
  name                       = "${var.name}-scan-events"
  kms_key_name               = local.kms_key
  labels                     = var.labels
  message_retention_duration = var.scan_events.retention
  dynamic "schema_settings" {
    for_each = google_pubsub_schema.scan_event
    content {
      schema   = schema_settings.value.id
      encoding = "JSON"
    }
  }
  depends_on = [google_project_service.this, google_kms_crypto_key_iam_member.agents]
}

resource "google_pubsub_subscription" "subscriber" {
  for_each                   = var.subscriptions
  project                    = var.project_id
  name                       = "${var.name}-scan-events-${each.key}"
  topic                      = google_pubsub_topic.scan_events.id
  filter                     = each.value.filter
  ack_deadline_seconds       = each.value.ack_deadline_seconds
  message_retention_duration = local.week
  labels                     = var.labels
  dynamic "push_config" {
    for_each = each.value.push[*]
    content {
      push_endpoint = push_config.value.endpoint
      oidc_token {
        service_account_email = google_service_account.this["delivery"].email
        audience              = coalesce(push_config.value.audience, push_config.value.endpoint)
      }
    }
  }
  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }
  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.subscriber_dead[each.key].id
    max_delivery_attempts = each.value.max_delivery_attempts
  }
  expiration_policy {
    ttl = ""
  }
  depends_on = [google_pubsub_topic_iam_member.dead_letters, google_pubsub_subscription.subscriber_dead]
}

resource "google_pubsub_topic" "subscriber_dead" {
  for_each     = var.subscriptions
  project      = var.project_id
  name         = "${var.name}-scan-events-${each.key}-dead"
  kms_key_name = local.kms_key
  labels       = var.labels
  depends_on   = [google_project_service.this, google_kms_crypto_key_iam_member.agents]
}

# An operator reads these dead letters and delivers them again; the alert `dead-letters-wait` reports them.
resource "google_pubsub_subscription" "subscriber_dead" {
  for_each                   = var.subscriptions
  project                    = var.project_id
  name                       = "${var.name}-scan-events-${each.key}-dead"
  topic                      = google_pubsub_topic.subscriber_dead[each.key].id
  message_retention_duration = local.week
  labels                     = var.labels
  expiration_policy {
    ttl = ""
  }
}
