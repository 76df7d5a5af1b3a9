# What the defaults come to, and what follows from the inputs.

variables {
  project_id = "demo-project"
  region     = "europe-north1"
  images = {
    upload  = "r/upload@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    files   = "r/files@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    scanner = "r/scanner@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    sweeper = "r/sweeper@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    clamav  = "r/clamav@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  }
  token_issuers = [{ kind = "custom", issuer = "https://i.example/", jwksUri = "https://i.example/jwk", audience = "a", principalClaim = "sub", readScope = "r", writeScope = "w" }]
}

run "defaults" {
  command = plan
  assert {
    condition     = output.sizes == { cpu = 2, memory_gib = 7, scratch_mib = 2626 }
    error_message = "The sizing table of the README says otherwise: ${jsonencode(output.sizes)}."
  }
  assert {
    condition     = output.url == null && length(google_compute_url_map.this) == 0
    error_message = "There is a load balancer that nobody asked for."
  }
  assert {
    condition     = can(regex("^fileshare verify --upload-url https://fileshare-upload-[0-9]+\\.europe-north1\\.run\\.app --files-url https://fileshare-files-[0-9]+\\.europe-north1\\.run\\.app$", output.verify))
    error_message = "The command is another: ${output.verify}."
  }
  assert {
    condition = alltrue([for name in ["upload", "files"] : endswith(output.verify, " ${one([
      for env in google_cloud_run_v2_service.function[name].template[0].containers[0].env : env.value if env.name == "FILES_URL"
    ])}")])
    error_message = "Links do not lead to the files function that is verified."
  }
  assert {
    condition     = length(google_storage_bucket.permanent[0].retention_policy) == 0
    error_message = "There is a retention policy that nobody asked for."
  }
}

run "small_files" {
  command = plan
  variables {
    scanner = { max_scan_bytes = 104857600, slots = 1 }
  }
  assert {
    condition     = output.sizes == { cpu = 2, memory_gib = 5, scratch_mib = 565 }
    error_message = "The sizing table of the README says otherwise: ${jsonencode(output.sizes)}."
  }
}

run "large_files_one_at_a_time" {
  command = plan
  variables {
    scanner = { max_scan_bytes = 1073741824, slots = 1 }
  }
  assert {
    condition     = output.sizes == { cpu = 4, memory_gib = 9, scratch_mib = 5183 }
    error_message = "The sizing table of the README says otherwise: ${jsonencode(output.sizes)}."
  }
}

run "large_files" {
  command = plan
  variables {
    scanner = { max_scan_bytes = 1073741824, slots = 2 }
  }
  assert {
    condition     = output.sizes == { cpu = 4, memory_gib = 14, scratch_mib = 10302 }
    error_message = "The sizing table of the README says otherwise: ${jsonencode(output.sizes)}."
  }
}

run "largest_files" {
  command = plan
  variables {
    scanner = { max_scan_bytes = 2146435069, slots = 2 }
  }
  assert {
    condition     = output.sizes == { cpu = 4, memory_gib = 16, scratch_mib = 12348 }
    error_message = "The sizing table of the README says otherwise: ${jsonencode(output.sizes)}."
  }
}

run "as_many_attempts_as_pubsub_allows" {
  command = plan
  assert {
    condition     = google_pubsub_subscription.finalized_scanner.dead_letter_policy[0].max_delivery_attempts == 100
    error_message = "An outage makes dead letters sooner than it has to."
  }
}

run "no_quarantine" {
  command = plan
  variables {
    quarantine = { enabled = false }
  }
  assert {
    condition     = length(google_storage_bucket.quarantine) == 0 && !contains(keys(google_storage_bucket_iam_member.objects), "scanner.quarantine")
    error_message = "There is a quarantine."
  }
  assert {
    condition     = !contains([for env in google_cloud_run_v2_service.scanner.template[0].containers[0].env : env.name], "QUARANTINE_BUCKET")
    error_message = "The scanner has a quarantine."
  }
}

run "mirror_elsewhere" {
  command = plan
  variables {
    signatures = { mirror = "gs://somewhere/clamav" }
  }
  assert {
    condition     = length(google_cloud_run_v2_job.mirror) == 0 && output.fill_mirror == null
    error_message = "There is a mirror of our own."
  }
}

run "locked_retention" {
  command = plan
  variables {
    retention = { days = 365, locked = true }
  }
  assert {
    condition     = one(google_storage_bucket.permanent[0].retention_policy).retention_period == 31536000 && one(google_storage_bucket.permanent[0].retention_policy).is_locked
    error_message = "The retention policy is another."
  }
}

run "load_balancer" {
  command = apply
  variables {
    load_balancer = { domain = "files.example.org" }
  }
  assert {
    condition     = output.url == "https://files.example.org" && alltrue([for name in ["upload", "files"] : google_cloud_run_v2_service.function[name].ingress == "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"])
    error_message = "The services can be reached around the load balancer."
  }
  assert {
    condition     = output.verify == "fileshare verify --url https://files.example.org"
    error_message = "The command is another: ${output.verify}."
  }
}
