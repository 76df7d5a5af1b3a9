# Existing buckets, which somebody else creates: the module only grants access to them. They need uniform bucket-level access and
# public access prevention; unscanned and quarantine must not have soft delete, because it would keep malware. A lifecycle rule must
# empty unscanned after days, not hours.

variable "buckets" {
  description = "Names of the buckets."
  type = object({
    unscanned  = string
    permanent  = string
    quarantine = optional(string)
  })
  default = {
    unscanned = "example-fileshare-unscanned"
    permanent = "example-fileshare-permanent"
  }
}

module "fileshare" {
  source           = "../.."
  project_id       = var.project_id
  region           = var.region
  name             = "share"
  images           = var.images
  existing_buckets = var.buckets
  token_issuers = [{
    kind           = "custom"
    issuer         = "https://login.example.org/"
    jwksUri        = "https://login.example.org/jwk"
    audience       = "https://fileshare.example.org"
    principalClaim = "sub"
    readScope      = "fileshare.read"
    writeScope     = "fileshare.write"
  }]

  # For a few files a day: no scanner instance is kept, and the first file waits until ClamAV has loaded its signatures.
  scanner = { min_instances = 0 }

  # An existing mirror of the signatures.
  signatures = { mirror = "https://clamav.example.org/" }
}

output "service_urls" {
  description = "URLs of the services, by name."
  value       = module.fileshare.service_urls
}

output "verify" {
  description = "Command that checks the deployment."
  value       = module.fileshare.verify
}
