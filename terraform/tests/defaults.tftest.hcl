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
    condition     = alltrue([for job in values(google_cloud_scheduler_job.sweeper) : job.region == "europe-north1"])
    error_message = "The schedules are in another region."
  }
  assert {
    condition = alltrue([for service in concat(values(google_cloud_run_v2_service.function), values(google_cloud_run_v2_service.scanner)) :
      one(service.traffic).type == "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST" && one(service.traffic).percent == 100
    ])
    error_message = "A service stays with an older revision."
  }
  assert {
    condition     = google_cloud_run_v2_service.scanner["scanner"].template[0].timeout == "600s"
    error_message = "The scanner has another timeout than the ack deadline."
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
    condition     = !contains([for env in google_cloud_run_v2_service.scanner["scanner"].template[0].containers[0].env : env.name], "QUARANTINE_BUCKET")
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

run "page" {
  command = apply
  variables {
    load_balancer = { domain = "files.example.org", page = { domain = "page.example.org", bucket = "page-bucket" } }
    cors_origins  = ["https://app.example.org"]
  }
  assert {
    condition     = google_compute_backend_bucket.page[0].bucket_name == "page-bucket" && [for matcher in google_compute_url_map.this[0].path_matcher : matcher.default_service if matcher.name == "page"] == [google_compute_backend_bucket.page[0].id]
    error_message = "The host name of the page leads elsewhere."
  }
  assert {
    condition     = length(google_compute_target_https_proxy.this[0].ssl_certificates) == 2 && google_compute_managed_ssl_certificate.page[0].managed[0].domains == tolist(["page.example.org"])
    error_message = "A host name has no certificate."
  }
  assert {
    condition     = google_storage_bucket.unscanned[0].cors[0].origin == tolist(["https://app.example.org", "https://page.example.org"])
    error_message = "The page may not use the service."
  }
}

run "schedules_in_another_region" {
  command = plan
  variables {
    scheduler_region = "europe-west1"
  }
  assert {
    condition     = google_cloud_scheduler_job.mirror[0].region == "europe-west1" && alltrue([for job in values(google_cloud_scheduler_job.sweeper) : job.region == "europe-west1"])
    error_message = "A schedule is where the services are."
  }
  assert {
    condition     = strcontains(google_cloud_scheduler_job.mirror[0].http_target[0].uri, "/locations/europe-north1/") && google_cloud_run_v2_service.scanner["scanner"].location == "europe-north1"
    error_message = "More than the schedules has moved."
  }
}

run "number_of_the_project" {
  command = plan
  variables {
    project_number = "123456789012"
  }
  assert {
    condition     = length(data.google_project.this) == 0 && strcontains(output.verify, "https://fileshare-upload-123456789012.europe-north1.run.app")
    error_message = "Cloud Resource Manager is asked for what was said."
  }
}

run "without_all_users" {
  command = plan
  variables {
    invoker_iam_disabled = true
  }
  assert {
    condition     = { for name, service in google_cloud_run_v2_service.function : name => service.invoker_iam_disabled } == { upload = true, files = true, sweeper = false, auditor = false }
    error_message = "Others than upload and files let everybody through."
  }
  assert {
    condition     = length(google_cloud_run_v2_service_iam_member.api) == 0
    error_message = "allUsers is granted, which the policy of the organisation refuses."
  }
}

run "keys_by_location" {
  command = apply
  variables {
    bucket_location = "EU"
    encryption = { kms_keys = {
      europe-north1 = "projects/p/locations/europe-north1/keyRings/r/cryptoKeys/k"
      europe        = "projects/p/locations/europe/keyRings/r/cryptoKeys/k"
    } }
  }
  assert {
    condition = alltrue([for bucket in [google_storage_bucket.unscanned[0], google_storage_bucket.permanent[0], google_storage_bucket.quarantine[0]] :
      one(bucket.encryption).default_kms_key_name == var.encryption.kms_keys.europe
    ])
    error_message = "A bucket has a key of another location."
  }
  assert {
    condition = alltrue([for key in concat([one(google_storage_bucket.signatures[0].encryption).default_kms_key_name, google_pubsub_topic.finalized.kms_key_name, google_cloud_run_v2_service.scanner["scanner"].template[0].encryption_key]) :
      key == var.encryption.kms_keys["europe-north1"]
    ])
    error_message = "What is in the region has a key of another location."
  }
  assert {
    condition = toset([for grant in values(google_kms_crypto_key_iam_member.agents) : "${element(split("/", grant.crypto_key_id), 3)} ${element(split("@", grant.member), 1)}"]) == toset([
      "europe gs-project-accounts.iam.gserviceaccount.com",
      "europe-north1 gs-project-accounts.iam.gserviceaccount.com",
      "europe-north1 gcp-sa-pubsub.iam.gserviceaccount.com",
      "europe-north1 serverless-robot-prod.iam.gserviceaccount.com",
    ])
    error_message = "The grants on the keys are others."
  }
}

run "scans_in_windows" {
  command = plan
  variables {
    environment = { scanner = { WINDOWED_SCAN_MAX_BYTES = "64424509440" } }
  }
  assert {
    condition = google_cloud_run_v2_service.scanner["scanner"].template[0].timeout == "3600s" && one([
      for env in google_cloud_run_v2_service.scanner["scanner"].template[0].containers[0].env : env.value if env.name == "REQUEST_TIMEOUT_SECONDS"
    ]) == "3600"
    error_message = "A scan in windows does not get its hour."
  }
}

run "tombstones_outlive_exports" {
  command = plan
  variables {
    exports = { location = "europe-west3", keep_days = 60 }
  }
  assert {
    condition = alltrue([for function in ["sweeper", "auditor"] : one([
      for env in google_cloud_run_v2_service.function[function].template[0].containers[0].env : env.value if env.name == "TOMBSTONE_DAYS"
    ]) == "70"])
    error_message = "An export of a deleted file outlives its tombstone."
  }
}

run "limit_of_requests" {
  command = plan
  variables {
    load_balancer = { domain = "files.example.org", rate_limit_preview = true }
  }
  assert {
    condition     = one([for rule in google_compute_security_policy.this[0].rule : rule.preview && rule.rate_limit_options[0].enforce_on_key == "IP" && rule.rate_limit_options[0].rate_limit_threshold[0].count == 12000 if rule.action == "throttle"])
    error_message = "The limit is another."
  }
}

run "objectives" {
  command = plan
  variables {
    slo = { availability_percent = 99.5, min_requests = 20, verdict_within_seconds = 30, verdict_percent = 94, min_verdicts = 7 }
  }
  # 14.4 and 6 times the share of errors that each objective allows.
  assert {
    condition = { for name in ["availability-fast", "availability-slow", "late-verdicts-fast", "late-verdicts-slow"] :
      name => join(" ", distinct(flatten(regexall(" > ([0-9.]+)", one(one(google_monitoring_alert_policy.metric[name].conditions).condition_prometheus_query_language).query))))
      } == {
      availability-fast  = "0.072000"
      availability-slow  = "0.030000"
      late-verdicts-fast = "0.864000"
      late-verdicts-slow = "0.360000"
    }
    error_message = "The thresholds are others."
  }
  assert {
    condition = alltrue([for name, floor in { availability-fast = 20, availability-slow = 20, late-verdicts-fast = 7, late-verdicts-slow = 7 } :
      endswith(one(one(google_monitoring_alert_policy.metric[name].conditions).condition_prometheus_query_language).query, ") >= ${floor}")
    ])
    error_message = "The floors are others."
  }
  assert {
    condition     = endswith(google_logging_metric.counter["verdicts_late"].filter, "jsonPayload.verdictSeconds>30")
    error_message = "Another time makes a verdict late."
  }
}

run "strictest_objectives" {
  command = plan
  variables {
    slo = { availability_percent = 99.999, verdict_percent = 99.999 }
  }
  assert {
    condition     = strcontains(one(one(google_monitoring_alert_policy.metric["availability-slow"].conditions).condition_prometheus_query_language).query, " > 0.000060 ")
    error_message = "The threshold is rounded away."
  }
}

run "uptime" {
  command = plan
  assert {
    condition     = { for name, check in google_monitoring_uptime_check_config.this : name => check.period } == { upload = "300s", files = "300s" } && keys(google_monitoring_alert_policy.uptime) == ["unreachable"]
    error_message = "Nobody asks whether upload and files answer."
  }
}

run "uptime_of_one_address" {
  command = plan
  variables {
    public_url           = "https://files.example.org:8443"
    uptime_check_seconds = 60
  }
  assert {
    condition = alltrue([for check in values(google_monitoring_uptime_check_config.this) :
      one(check.monitored_resource).labels.host == "files.example.org" && one(check.http_check).port == 8443 && check.period == "60s"
    ])
    error_message = "Another address is asked than clients use."
  }
}

run "no_uptime_checks" {
  command = plan
  variables {
    uptime_check_seconds = null
  }
  assert {
    condition     = length(google_monitoring_uptime_check_config.this) == 0 && length(google_monitoring_alert_policy.uptime) == 0
    error_message = "Somebody asks all the same."
  }
}

run "no_uptime_checks_that_cloud_run_refuses" {
  command = plan
  variables {
    api_invokers = ["group:clients@example.org"]
  }
  assert {
    condition     = length(google_monitoring_uptime_check_config.this) == 0 && length(google_monitoring_alert_policy.uptime) == 0
    error_message = "Checks without a Google account would fail for ever."
  }
}
