# A production deployment: a host name, customer-managed keys, buckets in two regions, a scanner without internet access, a retention
# policy, subscribers and a notification channel for alerts.

variable "domain" {
  description = "Host name of the service. Point it at the output `load_balancer_ip`."
  type        = string
  default     = "fileshare.example.org"
}

# Buckets in a dual-region of the EU need a key in `europe`, exports one in their region, everything else one in the region of the services.
resource "google_kms_key_ring" "this" {
  for_each = toset([var.region, "europe", "europe-west3"])
  name     = "fileshare"
  location = each.key
}

resource "google_kms_crypto_key" "this" {
  for_each        = google_kms_key_ring.this
  name            = "fileshare"
  key_ring        = each.value.id
  rotation_period = "7776000s"
}

# Signs statements about verdicts. After you create another version, change the version in `key_version` below: docs/verdicts.md.
resource "google_kms_crypto_key" "verdicts" {
  name     = "fileshare-verdicts"
  key_ring = google_kms_key_ring.this[var.region].id
  purpose  = "ASYMMETRIC_SIGN"
  version_template {
    algorithm        = "EC_SIGN_P256_SHA256"
    protection_level = "SOFTWARE"
  }
}

# Without NAT there is no access to the internet. Private Google Access still reaches Google's APIs.
resource "google_compute_network" "scanner" {
  name                    = "fileshare-scanner"
  auto_create_subnetworks = false
}

resource "google_compute_subnetwork" "scanner" {
  name                     = "fileshare-scanner"
  network                  = google_compute_network.scanner.id
  region                   = var.region
  ip_cidr_range            = "10.8.0.0/26"
  private_ip_google_access = true
}

resource "google_monitoring_notification_channel" "duty" {
  display_name = "Fileshare on duty"
  type         = "email"
  labels       = { email_address = "fileshare-duty@example.org" }
}

module "fileshare" {
  source     = "../.."
  project_id = var.project_id
  region     = var.region
  images     = var.images
  labels     = { team = "hops" }
  token_issuers = [{
    kind     = "maskinporten"
    audience = "https://${var.domain}"
  }]

  # Records and contents survive the loss of a region: docs/recovery.md.
  bucket_location       = "EU"
  bucket_data_locations = ["EUROPE-NORTH1", "EUROPE-WEST4"]
  turbo_replication     = true
  exports               = { location = "europe-west3" }
  encryption            = { kms_keys = { for location, key in google_kms_crypto_key.this : location => "${key.key_ring}/cryptoKeys/${key.name}" } }
  retention             = { days = 30 }
  cors_origins          = ["https://journal.example.org", "https://*.apps.example.org"]
  quarantine            = { delete_after_days = 90, readers = ["group:security@example.org"] }

  scanner         = { max_scan_bytes = 1073741824, slots = 2, min_instances = 2 }
  scanner_network = { network = google_compute_network.scanner.id, subnetwork = google_compute_subnetwork.scanner.id }
  files           = { redirect_above_bytes = 104857600 }
  deduplicate     = "owner"
  sweeper         = { operators = ["group:fileshare-operators@example.org"] }
  rescan          = { every_days = 90 }
  environment     = { scanner = { ACCEPT_UNSCANNABLE = "encrypted" } }

  tracing_endpoint = "https://telemetry.googleapis.com"

  # Create this secret, with one version, before the first apply: docs/callbacks.md.
  callbacks = {
    origins     = ["https://hooks.example.no"]
    owners      = { "org:889640782" = "https://hooks.example.no/fileshare" }
    keys_secret = "projects/${var.project_id}/secrets/fileshare-callback-keys"
  }

  verdicts = {
    key_version = "projects/${var.project_id}/locations/${var.region}/keyRings/${google_kms_key_ring.this[var.region].name}/cryptoKeys/${google_kms_crypto_key.verdicts.name}/cryptoKeyVersions/1"
  }

  load_balancer         = { domain = var.domain, requests_per_minute = 30000 }
  notification_channels = [google_monitoring_notification_channel.duty.id]

  scan_events = { enforce_schema = true }
  subscriptions = {
    journal = {
      filter = "attributes.owner = \"org:889640782\""
      push   = { endpoint = "https://journal.example.org/fileshare-events" }
    }
    security = {
      filter      = "attributes.verdict = \"infected\""
      subscribers = ["group:security@example.org"]
    }
  }
}

output "url" {
  description = "URL of the service."
  value       = module.fileshare.url
}

output "load_balancer_ip" {
  description = "IP address that the host name must resolve to."
  value       = module.fileshare.load_balancer_ip
}

output "verify" {
  description = "Command that checks the deployment."
  value       = module.fileshare.verify
}
