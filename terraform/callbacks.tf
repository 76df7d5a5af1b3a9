# Callbacks: Pub/Sub pushes the events of files with a callback to the notify function, which posts them (docs/callbacks.md).

resource "google_pubsub_subscription" "callbacks" {
  count                      = local.has_callbacks ? 1 : 0
  project                    = var.project_id
  name                       = "${var.name}-callbacks"
  topic                      = google_pubsub_topic.scan_events.id
  filter                     = "attributes.callback = \"true\""
  ack_deadline_seconds       = 120
  message_retention_duration = local.week
  labels                     = var.labels
  push_config {
    push_endpoint = "${google_cloud_run_v2_service.function["notify"].uri}/"
    oidc_token {
      service_account_email = google_service_account.this["push"].email
      audience              = google_cloud_run_v2_service.function["notify"].uri
    }
  }
  # The attempts, as many as Pub/Sub allows, last for about 16 hours.
  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }
  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.callbacks_dead[0].id
    max_delivery_attempts = 100
  }
  expiration_policy {
    ttl = ""
  }
  depends_on = [
    google_cloud_run_v2_service_iam_member.push_notify,
    google_pubsub_topic_iam_member.dead_letters,
    google_pubsub_subscription.callbacks_dead,
  ]
}

resource "google_pubsub_topic" "callbacks_dead" {
  count        = local.has_callbacks ? 1 : 0
  project      = var.project_id
  name         = "${var.name}-callbacks-dead"
  kms_key_name = local.kms_key
  labels       = var.labels
  depends_on   = [google_project_service.this, google_kms_crypto_key_iam_member.agents]
}

# An operator reads these dead letters; docs/operations.md explains how to deliver them again.
resource "google_pubsub_subscription" "callbacks_dead" {
  count                      = local.has_callbacks ? 1 : 0
  project                    = var.project_id
  name                       = "${var.name}-callbacks-dead"
  topic                      = google_pubsub_topic.callbacks_dead[0].id
  message_retention_duration = local.week
  labels                     = var.labels
  expiration_policy {
    ttl = ""
  }
}
