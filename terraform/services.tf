# The functions as Cloud Run services. They listen on PORT, which Cloud Run sets.

locals {
  # Limits of Node's memory: docs/adr/0005.
  runtime_env = {
    NODE_OPTIONS     = "--max-semi-space-size=8 --max-old-space-size=192"
    MALLOC_ARENA_MAX = "1"
  }
  common_env = {
    GOOGLE_CLOUD_PROJECT = var.project_id
    PERMANENT_BUCKET     = local.buckets.permanent
    # docs/traces.md
    OTEL_EXPORTER_OTLP_ENDPOINT = var.tracing_endpoint
  }
  # Scans in windows take up to an hour (docs/operations.md). Pub/Sub delivers an event again after its ack deadline of ten minutes: the
  # instance that is scanning joins that delivery to its scan, and other instances refuse it while the lease is held.
  windowed = tonumber(lookup(var.environment.scanner, "WINDOWED_SCAN_MAX_BYTES", "0")) > 0
  # Request timeouts of Cloud Run. REQUEST_TIMEOUT_SECONDS gives Node the same timeout, which otherwise is five minutes.
  request_timeout_seconds = { upload = 3600, files = 3600, scanner = local.windowed ? 3600 : 600, rescanner = local.windowed ? 3600 : 600, sweeper = 1800, auditor = 1800, exporter = 1800, notify = 120 }
  page_origins            = [for page in local.page[*] : "https://${page.domain}"]
  all_cors_origins        = distinct(concat(var.cors_origins, local.page_origins))
  cors_origins            = length(local.all_cors_origins) > 0 ? join(",", local.all_cors_origins) : null
  exact_cors_origins      = [for origin in local.all_cors_origins : origin if !can(regex("[*]", origin))]
  callback_origins        = try(join(",", var.callbacks.origins), null)
  # Distinguishes this deployment from any other one that is given the same buckets: docs/adr/0050.
  deployment = "${var.project_id}/${var.region}/${var.name}"
  # Variables that the module sets. If a value is null, the default of the function applies.
  wired = {
    upload = {
      DEPLOYMENT       = local.deployment
      UNSCANNED_BUCKET = local.buckets.unscanned
      TOKEN_ISSUERS    = jsonencode(var.token_issuers)
      FILES_URL        = local.files_url
      CORS_ORIGINS     = local.cors_origins
      # Upload announces the limits of the scanner.
      MAX_SCAN_BYTES          = tostring(var.scanner.max_scan_bytes)
      WINDOWED_SCAN_MAX_BYTES = lookup(var.environment.scanner, "WINDOWED_SCAN_MAX_BYTES", "0")
      CALLBACK_ORIGINS        = local.callback_origins
      CALLBACK_OWNERS         = try(length(var.callbacks.owners) > 0 ? jsonencode(var.callbacks.owners) : null, null)
      # Cloud Run starts an instance at 60 % of the concurrency. The uploads of a single owner can reach that, and still leave room for
      # others. Requests that wait for a verdict have a separate limit; both limits together are below the concurrency.
      UPLOADS_PER_OWNER     = tostring(coalesce(var.fairness.uploads_per_owner, max(1, floor(var.upload.concurrency * 5 / 8))))
      LONG_POLLS_PER_CALLER = tostring(coalesce(var.fairness.upload_polls_per_caller, floor(var.upload.concurrency / 4)))
    }
    files = {
      DEPLOYMENT            = local.deployment
      LONG_POLLS_PER_CALLER = tostring(coalesce(var.fairness.long_polls_per_caller, floor(var.files.concurrency * 3 / 4)))
      TOKEN_ISSUERS         = jsonencode(var.token_issuers)
      FILES_URL             = local.files_url
      CORS_ORIGINS          = local.cors_origins
      REDIRECT_ABOVE_BYTES  = try(tostring(var.files.redirect_above_bytes), null)
      RECEIPTS              = tostring(var.files.receipts)
      SCAN_EVENTS_TOPIC     = google_pubsub_topic.scan_events.name
      RESCAN_TOPIC          = google_pubsub_topic.rescan.name
      ORDERED_EVENTS        = tostring(var.scan_events.ordered)
      DEDUPLICATE           = var.deduplicate
      VERDICT_KEY           = try(var.verdicts.key_version, null)
      VERDICT_KEYS_RETIRED  = try(jsonencode({ keys = var.verdicts.retired_keys }), null)
    }
    scanner = {
      DEPLOYMENT              = local.deployment
      UNSCANNED_BUCKET        = local.buckets.unscanned
      QUARANTINE_BUCKET       = lookup(local.buckets, "quarantine", null)
      SCAN_EVENTS_TOPIC       = google_pubsub_topic.scan_events.name
      FILES_URL               = local.files_url
      CLAMD_HOST              = "127.0.0.1"
      CLAMD_PORT              = tostring(local.clamd_port)
      CLAMD_TEMP_DIR          = local.scratch_path
      MAX_SCAN_BYTES          = tostring(var.scanner.max_scan_bytes)
      SCAN_SLOTS              = tostring(var.scanner.slots)
      SCAN_QUEUE              = tostring(local.scan_queue)
      SIGNATURE_MAX_AGE_HOURS = tostring(var.signatures.max_age_hours)
      DEDUPLICATE             = var.deduplicate
      ORDERED_EVENTS          = tostring(var.scan_events.ordered)
    }
    # The rescanner scans with the same settings as the scanner.
    rescanner = {
      DEPLOYMENT              = local.deployment
      QUARANTINE_BUCKET       = lookup(local.buckets, "quarantine", null)
      SCAN_EVENTS_TOPIC       = google_pubsub_topic.scan_events.name
      FILES_URL               = local.files_url
      CLAMD_HOST              = "127.0.0.1"
      CLAMD_PORT              = tostring(local.clamd_port)
      CLAMD_TEMP_DIR          = local.scratch_path
      MAX_SCAN_BYTES          = tostring(var.scanner.max_scan_bytes)
      SCAN_SLOTS              = tostring(var.scanner.slots)
      SCAN_QUEUE              = tostring(local.scan_queue)
      SIGNATURE_MAX_AGE_HOURS = tostring(var.signatures.max_age_hours)
      ORDERED_EVENTS          = tostring(var.scan_events.ordered)
    }
    sweeper = {
      DEPLOYMENT           = local.deployment
      QUARANTINE_BUCKET    = lookup(local.buckets, "quarantine", null)
      RESCAN_TOPIC         = google_pubsub_topic.rescan.name
      RESCAN_AFTER_DAYS    = length(var.rescan.after_days) == 0 ? "none" : join(",", var.rescan.after_days)
      RESCAN_EVERY_DAYS    = try(tostring(var.rescan.every_days), null)
      RESCAN_FILES_PER_DAY = tostring(var.rescan.files_per_day)
      RESCAN_BYTES_PER_DAY = tostring(var.rescan.bytes_per_day)
      UNSCANNED_BUCKET     = local.buckets.unscanned
      SCAN_EVENTS_TOPIC    = google_pubsub_topic.scan_events.name
      FILES_URL            = local.files_url
      FINALIZE_TOPIC       = google_pubsub_topic.finalized.name
      DEAD_LETTER_CALLER   = google_service_account.this["push"].email
      SCHEDULE_CALLER      = google_service_account.this["schedule"].email
      STUCK_AFTER_SECONDS  = tostring(var.sweeper.stuck_after_seconds)
      ORDERED_EVENTS       = tostring(var.scan_events.ordered)
      DEDUPLICATE          = var.deduplicate
      RELEASE_NEEDS_SECOND = tostring(var.sweeper.release_needs_second)
      CLEAN_IN_QUARANTINE  = var.sweeper.clean_in_quarantine
      EXPORT_BUCKET        = lookup(local.buckets, "exports", null)
      VERDICT_KEY          = try(var.verdicts.key_version, null)
    }
    auditor = {
      VERDICT_KEY      = try(var.verdicts.key_version, null)
      UNSCANNED_BUCKET = local.buckets.unscanned
      DEDUPLICATE      = var.deduplicate
    }
    exporter = {
      EXPORT_BUCKET     = lookup(local.buckets, "exports", null)
      EXPORT_FULL_EVERY = try(tostring(var.exports.full_every), null)
    }
    notify = {
      CALLBACK_ORIGINS = local.callback_origins
    }
  }
  # Variables that `environment` may set. ALLOW_UNDATED_SIGNATURES and STORAGE_EMULATOR_HOST are not among them: they are for development.
  tunable = {
    upload = ["LOG_LEVEL", "STORAGE_TIMEOUT_SECONDS", "DEPLOYMENT_REFRESH_SECONDS", "MAX_UPLOAD_BYTES", "ALLOWED_MEDIA_TYPES", "DENIED_MEDIA_TYPES",
    "SNIFF_MEDIA_TYPE", "UPLOAD_EXPIRES_SECONDS"]
    files = ["LOG_LEVEL", "STORAGE_TIMEOUT_SECONDS", "DEPLOYMENT_REFRESH_SECONDS", "SIGNED_URL_SECONDS", "SIGNING_SERVICE_ACCOUNT"]
    scanner = ["LOG_LEVEL", "STORAGE_TIMEOUT_SECONDS", "DEPLOYMENT_REFRESH_SECONDS", "ACCEPT_UNSCANNABLE", "SCAN_TIMEOUT_SECONDS", "LEASE_ABOVE_BYTES",
    "VERDICT_MAX_AGE_SECONDS", "WINDOWED_SCAN_MAX_BYTES", "WINDOWED_SCAN_TIMEOUT_SECONDS", "WINDOW_OVERLAP_BYTES"]
    rescanner = ["LOG_LEVEL", "STORAGE_TIMEOUT_SECONDS", "DEPLOYMENT_REFRESH_SECONDS", "SCAN_TIMEOUT_SECONDS", "WINDOWED_SCAN_MAX_BYTES",
    "WINDOWED_SCAN_TIMEOUT_SECONDS", "WINDOW_OVERLAP_BYTES"]
    sweeper = ["LOG_LEVEL", "STORAGE_TIMEOUT_SECONDS", "RESCAN_BUDGET_SECONDS", "HUNT_BUDGET_SECONDS", "RESTORE_BUDGET_SECONDS", "ABANDONED_AFTER_SECONDS", "MAX_REDRIVES", "REDRIVES_PER_SWEEP",
      "SWEEP_BUDGET_SECONDS", "COLLECT_BUDGET_SECONDS", "COLLECT_UNREFERENCED_AFTER_SECONDS", "COLLECT_BLOB_GRACE_SECONDS",
    "TOMBSTONE_DAYS"]
    auditor = ["LOG_LEVEL", "STORAGE_TIMEOUT_SECONDS", "ABANDONED_AFTER_SECONDS", "COLLECT_BLOB_GRACE_SECONDS", "TOMBSTONE_DAYS", "AUDIT_GRACE_SECONDS",
    "AUDIT_BUDGET_SECONDS", "AUDIT_BLOBS_IN_MEMORY"]
    exporter = ["LOG_LEVEL", "STORAGE_TIMEOUT_SECONDS", "EXPORT_BUDGET_SECONDS"]
    notify   = ["LOG_LEVEL", "STORAGE_TIMEOUT_SECONDS", "CALLBACK_TIMEOUT_SECONDS", "CALLBACKS_PER_ORIGIN"]
  }
  env = {
    for function, variables in local.wired : function => {
      for name, value in merge(
        local.runtime_env,
        local.common_env,
        # A restore recognizes a deleted file by its tombstone, which must outlive every export from before the deletion.
        { TOMBSTONE_DAYS = var.exports != null && contains(local.tunable[function], "TOMBSTONE_DAYS") ? tostring(local.exports_gone_after_days) : null },
        # The rescanner takes the scanner's settings, so that it scans in windows whenever a first scan does.
        { for name, value in var.environment.scanner : name => value if function == "rescanner" && contains(local.tunable.rescanner, name) },
        # The auditor takes the sweeper's settings, because its rules depend on the sweeper's times.
        { for name, value in var.environment.sweeper : name => value if function == "auditor" && contains(local.tunable.auditor, name) },
        { REQUEST_TIMEOUT_SECONDS = tostring(local.request_timeout_seconds[function]) },
        var.environment[function],
        variables,
      ) : name => value if value != null
    }
  }

  api_ingress = var.load_balancer == null ? "INGRESS_TRAFFIC_ALL" : "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"
  functions = merge({
    upload = merge(var.upload, { ingress = local.api_ingress, checks_tokens = true })
    files  = merge(var.files, { ingress = local.api_ingress, checks_tokens = true })
    sweeper = {
      cpu           = "1"
      memory        = "512Mi"
      concurrency   = 20
      min_instances = 0
      max_instances = 3
      # Pub/Sub and Cloud Scheduler of the same project count as internal; operators may call from anywhere.
      ingress       = length(var.sweeper.operators) > 0 ? "INGRESS_TRAFFIC_ALL" : "INGRESS_TRAFFIC_INTERNAL_ONLY"
      checks_tokens = false
    }
    # A second service of the sweeper's image. Its account can write only its position and its reports.
    auditor = {
      cpu           = "1"
      memory        = "512Mi"
      concurrency   = 1
      min_instances = 0
      max_instances = 1
      ingress       = "INGRESS_TRAFFIC_INTERNAL_ONLY"
      checks_tokens = false
    }
    }, local.has_exports ? {
    # A third service of that image. Its account reads listings and writes exports.
    exporter = {
      cpu           = "1"
      memory        = "512Mi"
      concurrency   = 1
      min_instances = 0
      max_instances = 1
      ingress       = "INGRESS_TRAFFIC_INTERNAL_ONLY"
      checks_tokens = false
    }
    } : {}, local.has_callbacks ? {
    notify = {
      cpu           = "1"
      memory        = "512Mi"
      concurrency   = 80
      min_instances = 0
      max_instances = 5
      ingress       = "INGRESS_TRAFFIC_INTERNAL_ONLY"
      checks_tokens = false
    }
  } : {})
}

resource "google_cloud_run_v2_service" "function" {
  for_each            = local.functions
  project             = var.project_id
  location            = var.region
  name                = "${var.name}-${each.key}"
  ingress             = each.value.ingress
  deletion_protection = var.deletion_protection
  labels              = var.labels
  # Only upload and files check tokens. IAM has to check the callers of the other services.
  invoker_iam_disabled = each.value.checks_tokens && var.invoker_iam_disabled

  template {
    service_account                  = google_service_account.this[each.key].email
    timeout                          = "${local.request_timeout_seconds[each.key]}s"
    max_instance_request_concurrency = each.value.concurrency
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2"
    encryption_key                   = local.kms_key
    labels                           = var.labels
    scaling {
      min_instance_count = each.value.min_instances
      max_instance_count = each.value.max_instances
    }
    containers {
      name  = each.key
      image = var.images[contains(["auditor", "exporter"], each.key) ? "sweeper" : each.key]
      args  = contains(["auditor", "exporter"], each.key) ? ["--target=${each.key}", "--source=bundled/functions/sweeper/${each.key}/index.mjs"] : null
      # HTTP/1, because functions-framework supports nothing else.
      ports {
        name           = "http1"
        container_port = 8080
      }
      resources {
        limits            = { cpu = each.value.cpu, memory = each.value.memory }
        cpu_idle          = true
        startup_cpu_boost = true
      }
      dynamic "env" {
        for_each = local.env[each.key]
        content {
          name  = env.key
          value = env.value
        }
      }
      # Read when an instance starts. Deploy a new revision after a new version of the secret, so that all instances use it.
      dynamic "env" {
        for_each = each.key == "notify" ? var.callbacks[*].keys_secret : []
        content {
          name = "CALLBACK_KEYS"
          value_source {
            secret_key_ref {
              secret  = env.value
              version = "latest"
            }
          }
        }
      }
      startup_probe {
        period_seconds    = 1
        timeout_seconds   = 1
        failure_threshold = 60
        http_get {
          path = "/healthz"
          port = 8080
        }
      }
      liveness_probe {
        period_seconds    = 15
        timeout_seconds   = 5
        failure_threshold = 4
        http_get {
          path = "/healthz"
          port = 8080
        }
      }
    }
  }

  # Without this block, a service keeps the revision that `gcloud run services update-traffic --to-revisions` has pinned.
  traffic {
    type    = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
    percent = 100
  }
  depends_on = [google_project_service.this, google_storage_bucket_iam_member.objects, google_kms_crypto_key_iam_member.agents, google_secret_manager_secret_iam_member.notify_keys]
}
