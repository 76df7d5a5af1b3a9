variable "project_id" {
  description = "Project to deploy to."
  type        = string
}

variable "region" {
  description = "Region to deploy to."
  type        = string
  default     = "europe-north1"
}

variable "images" {
  description = "Images by digest, as the build writes them to a variables file."
  type        = map(string)
}
