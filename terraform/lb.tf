# One host name in front of upload and files, and another one for the page if there is one. The routes of the API are those of the local
# gateway (infra/local/gateway/routes.ts).

locals {
  has_lb   = var.load_balancer != null
  page     = try(var.load_balancer.page, null)
  backends = local.has_lb ? toset(["upload", "files"]) : toset([])
  # The first match wins. Paths that match none go to files, which answers 404.
  routes = [
    { method = "POST", paths = ["/files"], prefixes = [], function = "upload" },
    { method = "OPTIONS", paths = ["/files"], prefixes = [], function = "upload" },
    { method = null, paths = ["/files"], prefixes = ["/files/"], function = "files" },
    { method = null, paths = ["/openapi.json", "/asyncapi.json", "/.well-known/jwks.json", "/notice"], prefixes = ["/schemas/", "/problems/"], function = "files" },
    { method = null, paths = ["/uploads"], prefixes = ["/uploads/"], function = "upload" },
  ]
}

resource "google_compute_global_address" "this" {
  count      = local.has_lb ? 1 : 0
  project    = var.project_id
  name       = var.name
  depends_on = [google_project_service.this]
}

resource "google_compute_region_network_endpoint_group" "this" {
  for_each              = local.backends
  project               = var.project_id
  region                = var.region
  name                  = "${var.name}-${each.key}"
  network_endpoint_type = "SERVERLESS"
  cloud_run {
    service = google_cloud_run_v2_service.function[each.key].name
  }
  depends_on = [google_project_service.this]
}

resource "google_compute_security_policy" "this" {
  count   = local.has_lb ? 1 : 0
  project = var.project_id
  name    = var.name

  dynamic "rule" {
    for_each = length(var.load_balancer.deny_source_ip_ranges) > 0 ? [1] : []
    content {
      description = "Addresses that get nothing"
      priority    = 500
      action      = "deny(403)"
      match {
        versioned_expr = "SRC_IPS_V1"
        config {
          src_ip_ranges = var.load_balancer.deny_source_ip_ranges
        }
      }
    }
  }
  rule {
    # The limit is by IP address, although a whole hospital may share one. A token would identify the client, but Cloud Armor uses only
    # the first 128 bytes of a header as a key, and all tokens of an issuer have these in common.
    description = "Requests a minute from one address"
    priority    = 1000
    action      = "throttle"
    preview     = var.load_balancer.rate_limit_preview
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
    rate_limit_options {
      conform_action = "allow"
      exceed_action  = "deny(429)"
      enforce_on_key = "IP"
      rate_limit_threshold {
        count        = var.load_balancer.requests_per_minute
        interval_sec = 60
      }
    }
  }
  rule {
    description = "The rest: every request carries a token, which the functions check"
    priority    = 2147483647
    action      = "allow"
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
  }
  depends_on = [google_project_service.this]
}

# There is no timeout here, since a backend service with a serverless NEG has none. Those of the Cloud Run services apply.
resource "google_compute_backend_service" "this" {
  for_each              = local.backends
  project               = var.project_id
  name                  = "${var.name}-${each.key}"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  protocol              = "HTTPS"
  security_policy       = google_compute_security_policy.this[0].id
  backend {
    group = google_compute_region_network_endpoint_group.this[each.key].id
  }
  log_config {
    enable      = var.load_balancer.log_sample_rate > 0
    sample_rate = var.load_balancer.log_sample_rate
  }
}

# The page (docs/page.md), with headers that a document cannot set itself.
resource "google_compute_backend_bucket" "page" {
  count       = local.page == null ? 0 : 1
  project     = var.project_id
  name        = "${var.name}-page"
  bucket_name = local.page.bucket
  custom_response_headers = [
    "Content-Security-Policy: frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy: same-origin",
    "Strict-Transport-Security: max-age=31536000",
    "X-Content-Type-Options: nosniff",
  ]
  depends_on = [google_project_service.this]
}

resource "google_compute_url_map" "this" {
  count           = local.has_lb ? 1 : 0
  project         = var.project_id
  name            = var.name
  default_service = google_compute_backend_service.this["files"].id
  host_rule {
    hosts        = [var.load_balancer.domain]
    path_matcher = "api"
  }
  dynamic "host_rule" {
    for_each = local.page[*]
    content {
      hosts        = [host_rule.value.domain]
      path_matcher = "page"
    }
  }
  path_matcher {
    name            = "api"
    default_service = google_compute_backend_service.this["files"].id
    dynamic "route_rules" {
      for_each = local.routes
      content {
        priority = route_rules.key + 1
        service  = google_compute_backend_service.this[route_rules.value.function].id
        dynamic "match_rules" {
          for_each = concat(
            [for path in route_rules.value.paths : { full = path, prefix = null }],
            [for prefix in route_rules.value.prefixes : { full = null, prefix = prefix }],
          )
          content {
            full_path_match = match_rules.value.full
            prefix_match    = match_rules.value.prefix
            dynamic "header_matches" {
              for_each = route_rules.value.method[*]
              content {
                header_name = ":method"
                exact_match = header_matches.value
              }
            }
          }
        }
      }
    }
  }
  dynamic "path_matcher" {
    for_each = local.page[*]
    content {
      name            = "page"
      default_service = google_compute_backend_bucket.page[0].id
    }
  }
}

resource "google_compute_managed_ssl_certificate" "this" {
  count   = local.has_lb ? 1 : 0
  project = var.project_id
  name    = "${var.name}-${substr(sha256(var.load_balancer.domain), 0, 8)}"
  managed {
    domains = [var.load_balancer.domain]
  }
  lifecycle {
    create_before_destroy = true
  }
  depends_on = [google_project_service.this]
}

# A separate certificate: the service keeps its certificate while the page's is issued.
resource "google_compute_managed_ssl_certificate" "page" {
  count   = local.page == null ? 0 : 1
  project = var.project_id
  name    = "${var.name}-page-${substr(sha256(local.page.domain), 0, 8)}"
  managed {
    domains = [local.page.domain]
  }
  lifecycle {
    create_before_destroy = true
  }
  depends_on = [google_project_service.this]
}

resource "google_compute_ssl_policy" "this" {
  count           = local.has_lb ? 1 : 0
  project         = var.project_id
  name            = var.name
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"
  depends_on      = [google_project_service.this]
}

resource "google_compute_target_https_proxy" "this" {
  count            = local.has_lb ? 1 : 0
  project          = var.project_id
  name             = var.name
  url_map          = google_compute_url_map.this[0].id
  ssl_certificates = concat([google_compute_managed_ssl_certificate.this[0].id], google_compute_managed_ssl_certificate.page[*].id)
  ssl_policy       = google_compute_ssl_policy.this[0].id
}

resource "google_compute_global_forwarding_rule" "https" {
  count                 = local.has_lb ? 1 : 0
  project               = var.project_id
  name                  = "${var.name}-https"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = google_compute_global_address.this[0].id
  port_range            = "443"
  target                = google_compute_target_https_proxy.this[0].id
  labels                = var.labels
}
