# The smallest configuration: the project, the region, the images, and the issuers whose tokens are accepted.
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
  description = "URLs of the services, by name."
  value       = module.fileshare.service_urls
}

output "fill_mirror" {
  description = "Command that fills the signature mirror immediately."
  value       = module.fileshare.fill_mirror
}

output "verify" {
  description = "Command that checks the deployment."
  value       = module.fileshare.verify
}
