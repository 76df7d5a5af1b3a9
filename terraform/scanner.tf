# The scanner with ClamAV as a sidecar, and the rescanner: a second service of the same image that scans stored contents again
# (docs/adr/0034), so that no upload waits for that. Sizes that depend on each other are computed as in shared/scanning/sizes.ts.

locals {
  clamd_port   = 3310
  scratch_path = "/scratch"

  mib          = 1048576
  max_unpacked = min(2 * var.scanner.max_scan_bytes, 2147483645 - local.mib)
  max_stream   = min(var.scanner.max_scan_bytes, local.max_unpacked)
  max_member   = local.max_unpacked + local.mib
  # The scanner voids a verdict if less than 32 MiB were free. Another 32 MiB are for other files.
  scratch_mib        = ceil((local.max_stream + local.max_unpacked + local.max_member) / local.mib * var.scanner.slots) + 64
  clamav_memory_gib  = ceil((var.scanner.signature_memory_mib + local.scratch_mib) / 1024)
  cpu_for_memory     = local.clamav_memory_gib <= 4 ? 1 : local.clamav_memory_gib <= 8 ? 2 : local.clamav_memory_gib <= 16 ? 4 : 6
  clamav_cpu         = max(var.scanner.slots, local.cpu_for_memory)
  signature_mirror   = local.has_mirror ? "gs://${local.buckets.signatures}" : var.signatures.mirror
  signature_files    = join(" ", var.signatures.files)
  clamav_startup_sec = 240
  # With `min_instances = 0`, billing is by request (`cpu_idle`). Instances that are kept are billed for their whole lifetime, at a lower rate.
  scanners = {
    scanner   = { min_instances = var.scanner.min_instances, max_instances = var.scanner.max_instances }
    rescanner = { min_instances = 0, max_instances = var.rescan.max_instances }
  }
  # Scans wait in the instance, where owners take turns; requests that wait in Cloud Run have no such order. So the concurrency is a
  # quarter above slots and queue, and requests above these are refused. Cloud Run starts an instance at 60 % of the concurrency, which is
  # three quarters of slots and queue (docs/adr/0028). A small file takes milliseconds of a slot but several round trips to Cloud Storage,
  # so filling the slots takes many requests at a time.
  scan_queue       = coalesce(var.fairness.scan_queue, 20 * var.scanner.slots)
  scan_concurrency = ceil((var.scanner.slots + local.scan_queue) * 5 / 4)
}

resource "google_cloud_run_v2_service" "scanner" {
  for_each            = local.scanners
  project             = var.project_id
  location            = var.region
  name                = "${var.name}-${each.key}"
  ingress             = "INGRESS_TRAFFIC_INTERNAL_ONLY"
  deletion_protection = var.deletion_protection
  labels              = var.labels

  template {
    service_account                  = google_service_account.this[each.key].email
    timeout                          = "${local.request_timeout_seconds[each.key]}s"
    max_instance_request_concurrency = local.scan_concurrency
    execution_environment            = "EXECUTION_ENVIRONMENT_GEN2"
    encryption_key                   = local.kms_key
    labels                           = var.labels
    scaling {
      min_instance_count = each.value.min_instances
      max_instance_count = each.value.max_instances
    }
    dynamic "vpc_access" {
      for_each = var.scanner_network[*]
      content {
        egress = "ALL_TRAFFIC"
        network_interfaces {
          network    = vpc_access.value.network
          subnetwork = vpc_access.value.subnetwork
        }
      }
    }
    # If this volume is full, clamd reports malware as clean (docs/platform-facts.md#a-full-temporary-directory). Both containers mount
    # it, so that the scanner starts no scan without enough free space.
    volumes {
      name = "scratch"
      empty_dir {
        medium     = "MEMORY"
        size_limit = "${local.scratch_mib}Mi"
      }
    }

    containers {
      name       = each.key
      image      = var.images.scanner
      depends_on = ["clamav"]
      # The image contains both functions. By default it starts the scanner.
      args = each.key == "rescanner" ? ["--target=rescanner", "--source=bundled/functions/scanner/rescanner/index.mjs"] : null
      ports {
        name           = "http1"
        container_port = 8080
      }
      resources {
        limits            = { cpu = "1", memory = "512Mi" }
        cpu_idle          = each.value.min_instances == 0
        startup_cpu_boost = true
      }
      dynamic "env" {
        for_each = local.env[each.key]
        content {
          name  = env.key
          value = env.value
        }
      }
      volume_mounts {
        name       = "scratch"
        mount_path = local.scratch_path
      }
      # Not /readyz: if the signatures are too old, files wait, and a restart would bring no newer ones.
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

    containers {
      name  = "clamav"
      image = var.images.clamav
      resources {
        limits = { cpu = tostring(local.clamav_cpu), memory = "${local.clamav_memory_gib}Gi" }
        # Signatures are reloaded between requests, which takes CPU. An instance that is not kept loads the newest ones when it starts.
        cpu_idle          = each.value.min_instances == 0
        startup_cpu_boost = true
      }
      dynamic "env" {
        for_each = {
          # Probes may come from outside the loopback interface. From outside the instance, only the scanner's port can be reached.
          CLAMD_ADDRESS       = "0.0.0.0"
          CLAMD_PORT          = tostring(local.clamd_port)
          MAX_SCAN_BYTES      = tostring(var.scanner.max_scan_bytes)
          MAX_THREADS         = tostring(var.scanner.slots)
          SIGNATURE_MIRROR    = local.signature_mirror
          SIGNATURE_FILES     = local.signature_files
          REFRESH_SECONDS     = tostring(var.signatures.refresh_seconds)
          TEMPORARY_DIRECTORY = "${local.scratch_path}/clamd"
        }
        content {
          name  = env.key
          value = env.value
        }
      }
      volume_mounts {
        name       = "scratch"
        mount_path = local.scratch_path
      }
      # clamd listens once the signatures are loaded. There is no liveness probe, because the instance ends when clamd does.
      startup_probe {
        period_seconds    = 10
        timeout_seconds   = 5
        failure_threshold = local.clamav_startup_sec / 10
        tcp_socket {
          port = local.clamd_port
        }
      }
    }
  }

  # Without this block, a service keeps the revision that `gcloud run services update-traffic --to-revisions` has pinned.
  traffic {
    type    = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
    percent = 100
  }

  lifecycle {
    precondition {
      condition     = local.clamav_memory_gib <= 24 && local.clamav_cpu <= 6
      error_message = "ClamAV would need ${local.clamav_memory_gib} GiB and ${local.clamav_cpu} CPUs, but can have at most 24 GiB and 6 CPUs in a Cloud Run instance. Lower scanner.max_scan_bytes or scanner.slots."
    }
  }
  depends_on = [google_project_service.this, google_storage_bucket_iam_member.objects, google_kms_crypto_key_iam_member.agents]
}
