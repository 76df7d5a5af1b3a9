output "url" {
  description = "URL of the load balancer, for all requests of clients; null without one."
  value       = local.has_lb ? "https://${var.load_balancer.domain}" : null
}

output "service_urls" {
  description = "URLs of the services, by name. Without a load balancer, clients upload to `upload` and read from `files`."
  value = merge(
    { for name, service in google_cloud_run_v2_service.function : name => service.uri },
    { for name, service in google_cloud_run_v2_service.scanner : name => service.uri },
    # The deterministic URLs, which links use, instead of `uri`, the other URL that Cloud Run gives a service.
    local.run_urls,
  )
}

output "load_balancer_ip" {
  description = "IP address of the load balancer, to which its host names must resolve before their certificates are issued; null without one."
  value       = one(google_compute_global_address.this[*].address)
}

output "buckets" {
  description = "Names of the buckets: `unscanned` and `permanent`, and `quarantine`, `exports` and `signatures` if they exist."
  value       = local.buckets
}

output "scan_events_topic" {
  description = "ID of the topic of scan events, for subscriptions that are created elsewhere."
  value       = google_pubsub_topic.scan_events.id
}

output "dead_letter_subscriptions" {
  description = "IDs of the subscriptions that keep scan events which a subscriber or a receiver of callbacks did not accept: by name of the subscription, and `callbacks`."
  value = merge(
    { for name, subscription in google_pubsub_subscription.subscriber_dead : name => subscription.id },
    { for subscription in google_pubsub_subscription.callbacks_dead : "callbacks" => subscription.id },
  )
}

output "service_accounts" {
  description = "Email addresses of the service accounts, by name."
  value       = { for name, account in google_service_account.this : name => account.email }
}

output "fill_mirror" {
  description = "Command that fills the signature mirror immediately. Files wait until this command or the schedule has filled it for the first time. Null if `signatures.mirror` is set."
  value       = local.has_mirror ? "gcloud run jobs execute ${google_cloud_run_v2_job.mirror[0].name} --project ${var.project_id} --region ${var.region} --wait" : null
}

output "verify" {
  description = "Command that checks the deployment. It needs a token of one of `token_issuers` in FILESHARE_TOKEN. docs/deploy.md explains how to check sharing and events too."
  value       = local.upload_url == local.files_url ? "fileshare verify --url ${local.files_url}" : "fileshare verify --upload-url ${local.upload_url} --files-url ${local.files_url}"
}

output "verdict_keys" {
  description = "URL of the public keys that verify signed verdicts; null if nothing is signed."
  value       = var.verdicts == null ? null : "${local.files_url}/.well-known/jwks.json"
}

output "sizes" {
  description = "Computed sizes of the ClamAV container: its CPUs, its memory, and the in-memory volume for its temporary files."
  value = {
    cpu         = local.clamav_cpu
    memory_gib  = local.clamav_memory_gib
    scratch_mib = local.scratch_mib
  }
}
