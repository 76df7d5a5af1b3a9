# Grants for Google's service agents. Google creates an agent when the API of its service is enabled, or, for Cloud Storage, when it
# is first requested (by the data source below).

data "google_storage_project_service_account" "this" {
  project    = var.project_id
  depends_on = [google_project_service.this]
}

resource "google_pubsub_topic_iam_member" "storage_publishes" {
  project = var.project_id
  topic   = google_pubsub_topic.finalized.name
  role    = "roles/pubsub.publisher"
  member  = data.google_storage_project_service_account.this.member
}

locals {
  # Keyed by the source of the dead letters, with their topic and the subscription that forwards them.
  dead_letters = merge(
    { finalized = { topic = google_pubsub_topic.finalized_dead.name, subscription = google_pubsub_subscription.finalized_scanner.name } },
    { rescan = { topic = google_pubsub_topic.rescan_dead.name, subscription = google_pubsub_subscription.rescan.name } },
    { for topic in google_pubsub_topic.callbacks_dead : "callbacks" => {
      topic        = topic.name
      subscription = google_pubsub_subscription.callbacks[0].name
    } },
    { for name, topic in google_pubsub_topic.subscriber_dead : "scan-events-${name}" => {
      topic        = topic.name
      subscription = google_pubsub_subscription.subscriber[name].name
    } },
  )
  dead_topics = merge(
    { finalized = google_pubsub_topic.finalized_dead.name, rescan = google_pubsub_topic.rescan_dead.name },
    { for topic in google_pubsub_topic.callbacks_dead : "callbacks" => topic.name },
    { for name, topic in google_pubsub_topic.subscriber_dead : "scan-events-${name}" => topic.name },
  )
}

# Pub/Sub's service agent publishes dead letters, and acknowledges them in the subscription that they come from.
resource "google_pubsub_topic_iam_member" "dead_letters" {
  for_each = local.dead_topics
  project  = var.project_id
  topic    = each.value
  role     = "roles/pubsub.publisher"
  member   = local.agents.pubsub
}

resource "google_pubsub_subscription_iam_member" "dead_letters" {
  for_each     = local.dead_letters
  project      = var.project_id
  subscription = each.value.subscription
  role         = "roles/pubsub.subscriber"
  member       = local.agents.pubsub
}

# A push carries an identity token that Pub/Sub's service agent creates in the name of one of our service accounts. This role allows
# it to create identity tokens only (https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions). Projects created before
# April 2021 need this grant.
resource "google_service_account_iam_member" "push_tokens" {
  for_each           = toset(concat(["push"], length(local.pushed) > 0 ? ["delivery"] : []))
  service_account_id = google_service_account.this[each.key].name
  role               = "roles/iam.serviceAccountOpenIdTokenCreator"
  member             = local.agents.pubsub
  # Once a topic has been created, the service agent exists.
  depends_on = [google_pubsub_topic.finalized]
}

# A bucket is encrypted with the key of its location, everything else with the key of the region.
resource "google_kms_crypto_key_iam_member" "agents" {
  for_each = var.encryption == null ? {} : merge(
    { for location in distinct(concat(
      local.new_buckets ? [local.bucket_key_location] : [],
      local.has_exports ? [local.exports_key_location] : [],
      local.has_mirror ? [var.region] : [],
    )) : "storage-${location}" => { location = location, member = data.google_storage_project_service_account.this.member } },
    {
      pubsub = { location = var.region, member = local.agents.pubsub }
      run    = { location = var.region, member = local.agents.run }
    },
  )
  crypto_key_id = var.encryption.kms_keys[each.value.location]
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = each.value.member
  depends_on    = [google_project_service.this]
}
