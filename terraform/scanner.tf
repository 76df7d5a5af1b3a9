# The scanner with ClamAV beside it, and a second one of the same image, which scans again what is stored
# (docs/adr/0034): no upload waits for that. Sizes that belong together are computed here, as in shared/scanning/sizes.ts.

locals {
  clamd_port   = 3310
  scratch_path = "/scratch"

  mib          = 1048576
  max_unpacked = min(2 * var.scanner.max_scan_bytes, 2147483645 - local.mib)
  max_stream   = min(var.scanner.max_scan_bytes, local.max_unpacked)
  max_member   = local.max_unpacked + local.mib
  # The scanner keeps 32 MiB free and voids verdicts below that; as much again is for what else is there.
  scratch_mib        = ceil((local.max_stream + local.max_unpacked + local.max_member) / local.mib * var.scanner.slots) + 64
  clamav_memory_gib  = ceil((var.scanner.signature_memory_mib + local.scratch_mib) / 1024)
  cpu_for_memory     = local.clamav_memory_gib <= 4 ? 1 : local.clamav_memory_gib <= 8 ? 2 : local.clamav_memory_gib <= 16 ? 4 : 6
  clamav_cpu         = max(var.scanner.slots, local.cpu_for_memory)
  signature_mirror   = local.has_mirror ? "gs://${local.buckets.signatures}" : var.signatures.mirror
  signature_files    = join(" ", var.signatures.files)
  clamav_startup_sec = 240
  # A service that runs only while there is work is billed by request; what is kept is billed for as long as it is there, for less.
  scanners = {
    scanner   = { min_instances = var.scanner.min_instances, max_instances = var.scanner.max_instances }
    rescanner = { min_instances = 0, max_instances = var.rescan.max_instances }
  }
  # Scans that wait are in the instance, where owners take turns; requests that Cloud Run holds back are in no such order. So
  # there is room for a quarter more, for what is only turned away; and above three quarters Cloud Run starts an instance. A
  # small file takes milliseconds of a slot and some round trips to Cloud Storage: it takes many at a time to fill the slots.
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
    # clamd calls malware clean when this is full, so both see it: no scan begins without space.
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
      # The image has both, and starts the scanner where it is told nothing else.
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
      # Not /readyz: signatures that are too old make files wait, and a restart brings no newer ones.
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
        # Signatures are reloaded between requests. An instance that is not kept loads the newest when it starts.
        cpu_idle          = each.value.min_instances == 0
        startup_cpu_boost = true
      }
      dynamic "env" {
        for_each = {
          # Probes may come from outside the loopback interface; of the instance, nothing but the port of the scanner
          # can be reached by others.
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
      # It listens once the signatures are loaded. Its end is the instance's, which needs no probe.
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

  # Without it, a service stays with the revision that `gcloud run services update-traffic --to-revisions` has pinned.
  traffic {
    type    = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
    percent = 100
  }

  lifecycle {
    precondition {
      condition     = local.clamav_memory_gib <= 24 && local.clamav_cpu <= 6
      error_message = "ClamAV would need ${local.clamav_memory_gib} GiB and ${local.clamav_cpu} processors. An instance of Cloud Run has 24 GiB and 6 processors for it: lower max_scan_bytes or slots."
    }
  }
  depends_on = [google_project_service.this, google_storage_bucket_iam_member.objects, google_kms_crypto_key_iam_member.agents]
}
