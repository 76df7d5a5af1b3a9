# What must be refused before anything is made.

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

run "image_by_tag" {
  command = plan
  variables {
    images = { upload = "r/upload:latest", files = "r/f:1", scanner = "r/s:1", sweeper = "r/w:1", clamav = "r/c:1" }
  }
  expect_failures = [var.images]
}

run "issuer_without_tls" {
  command = plan
  variables {
    token_issuers = [{ kind = "custom", issuer = "http://i.example/", jwksUri = "http://i.example/jwk", audience = "a", principalClaim = "sub", readScope = "r", writeScope = "w" }]
  }
  expect_failures = [var.token_issuers]
}

run "every_origin" {
  command = plan
  variables {
    cors_origins = ["*"]
  }
  expect_failures = [var.cors_origins]
}

run "origins_of_a_top_level_domain" {
  command = plan
  variables {
    cors_origins = ["https://*.no"]
  }
  expect_failures = [var.cors_origins]
}

run "origin_without_tls" {
  command = plan
  variables {
    cors_origins = ["http://app.example.org"]
  }
  expect_failures = [var.cors_origins]
}

run "no_issuer" {
  command = plan
  variables {
    token_issuers = []
  }
  expect_failures = [var.token_issuers]
}

run "setting_that_is_not_read" {
  command = plan
  variables {
    environment = { scanner = { VERDICT_MAX_AGE = "3600" } }
  }
  expect_failures = [var.environment]
}

run "setting_that_the_module_makes" {
  command = plan
  variables {
    environment = { scanner = { MAX_SCAN_BYTES = "1" } }
  }
  expect_failures = [var.environment]
}

run "exports_that_outlive_tombstones" {
  command = plan
  variables {
    exports     = { location = "europe-west3" }
    environment = { sweeper = { TOMBSTONE_DAYS = "30" } }
  }
  expect_failures = [var.environment]
}

run "undated_signatures" {
  command = plan
  variables {
    environment = { scanner = { ALLOW_UNDATED_SIGNATURES = "true" } }
  }
  expect_failures = [var.environment]
}

run "larger_than_clamav_scans" {
  command = plan
  variables {
    scanner = { max_scan_bytes = 4294967296 }
  }
  expect_failures = [var.scanner]
}

run "more_memory_than_an_instance_has" {
  command = plan
  variables {
    scanner = { max_scan_bytes = 2146435069, slots = 4 }
  }
  expect_failures = [google_cloud_run_v2_service.scanner]
}

run "lifecycle_that_leaves_no_time" {
  command = plan
  variables {
    unscanned_delete_after_days = 1
  }
  expect_failures = [var.unscanned_delete_after_days]
}

run "reports_for_no_time" {
  command = plan
  variables {
    audit_reports_keep_days = 0
  }
  expect_failures = [var.audit_reports_keep_days]
}

run "stuck_for_longer_than_attempts_last" {
  command = plan
  variables {
    sweeper = { stuck_after_seconds = 7200 }
  }
  expect_failures = [var.sweeper]
}

run "no_key_where_the_buckets_are" {
  command = plan
  variables {
    bucket_location = "EU"
    encryption      = { kms_keys = { europe-north1 = "projects/p/locations/europe-north1/keyRings/r/cryptoKeys/k" } }
  }
  expect_failures = [var.encryption]
}

run "no_key_in_the_region" {
  command = plan
  variables {
    bucket_location = "EU"
    encryption      = { kms_keys = { europe = "projects/p/locations/europe/keyRings/r/cryptoKeys/k" } }
  }
  expect_failures = [var.encryption]
}

run "key_of_another_location" {
  command = plan
  variables {
    encryption = { kms_keys = { europe-north1 = "projects/p/locations/europe-west1/keyRings/r/cryptoKeys/k" } }
  }
  expect_failures = [var.encryption]
}

run "id_for_a_number" {
  command = plan
  variables {
    project_number = "demo-project"
  }
  expect_failures = [var.project_number]
}

run "verdicts_signed_with_a_key_of_no_version" {
  command = plan
  variables {
    verdicts = { key_version = "projects/demo-project/locations/europe-north1/keyRings/fileshare/cryptoKeys/verdicts" }
  }
  expect_failures = [var.verdicts]
}

run "verdicts_with_retired_keys" {
  command = plan
  variables {
    verdicts = {
      key_version  = "projects/demo-project/locations/europe-north1/keyRings/fileshare/cryptoKeys/verdicts/cryptoKeyVersions/2"
      retired_keys = [{ kty = "EC", crv = "P-256", x = "x", y = "y", kid = "1" }]
    }
  }
  assert {
    condition = jsondecode(one([
      for env in google_cloud_run_v2_service.function["files"].template[0].containers[0].env : env.value if env.name == "VERDICT_KEYS_RETIRED"
    ])) == { keys = [{ kty = "EC", crv = "P-256", x = "x", y = "y", kid = "1" }] }
    error_message = "The retired keys are not listed."
  }
  assert {
    condition     = alltrue([for grant in google_kms_crypto_key_iam_member.signing : endswith(grant.crypto_key_id, "/cryptoKeys/verdicts")])
    error_message = "The grant is not on the key."
  }
}

run "availability_that_cannot_burn_fast" {
  command = plan
  variables {
    slo = { availability_percent = 93.9 }
  }
  expect_failures = [var.slo]
}

run "verdicts_that_cannot_burn_fast" {
  command = plan
  variables {
    slo = { verdict_percent = 93.9 }
  }
  expect_failures = [var.slo]
}

run "availability_without_a_budget" {
  command = plan
  variables {
    slo = { availability_percent = 100 }
  }
  expect_failures = [var.slo]
}

run "verdicts_without_a_budget" {
  command = plan
  variables {
    slo = { verdict_percent = 100 }
  }
  expect_failures = [var.slo]
}

run "verdicts_within_no_time" {
  command = plan
  variables {
    slo = { verdict_within_seconds = 0 }
  }
  expect_failures = [var.slo]
}

run "objective_of_no_requests" {
  command = plan
  variables {
    slo = { min_requests = 0 }
  }
  expect_failures = [var.slo]
}

run "objective_of_no_verdicts" {
  command = plan
  variables {
    slo = { min_verdicts = 0 }
  }
  expect_failures = [var.slo]
}

run "uptime_checks_at_an_odd_time" {
  command = plan
  variables {
    uptime_check_seconds = 120
  }
  expect_failures = [var.uptime_check_seconds]
}
