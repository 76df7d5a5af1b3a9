# The buckets are somebody else's to make: the module grants on them, and changes nothing else about them. It needs
# uniform bucket-level access and public access prevention, no soft delete where malware is, and a lifecycle that
# empties the unscanned bucket after days, not hours.

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

  # A few files a day: no scanner is kept, and the first file waits until ClamAV has loaded its signatures.
  scanner = { min_instances = 0 }

  # Signatures from a mirror that exists.
  signatures = { mirror = "https://clamav.example.org/" }
}

output "service_urls" {
  description = "Where upload and files are."
  value       = module.fileshare.service_urls
}

output "verify" {
  description = "Checks that the deployment keeps its promises."
  value       = module.fileshare.verify
}
