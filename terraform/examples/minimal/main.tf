# The least that a deployment says: where, which images, and whose tokens count.
module "fileshare" {
  source     = "../.."
  project_id = var.project_id
  region     = var.region
  images     = var.images
  token_issuers = [{
    kind     = "maskinporten"
    audience = "https://fileshare.example.org"
  }]
}

output "service_urls" {
  description = "Where upload and files are."
  value       = module.fileshare.service_urls
}

output "fill_mirror" {
  description = "Fills the signature mirror at once."
  value       = module.fileshare.fill_mirror
}

output "verify" {
  description = "Checks that the deployment keeps its promises."
  value       = module.fileshare.verify
}
