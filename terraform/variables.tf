variable "project_id" {
  description = "Project in which everything is created. It needs billing."
  type        = string
  nullable    = false
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id must be a project ID, such as fileshare-prod."
  }
}

variable "project_number" {
  description = "Number of that project. By default the module asks Cloud Resource Manager for it, whose API must then be enabled before the first apply."
  type        = string
  default     = null
  validation {
    condition     = var.project_number == null || can(regex("^[1-9][0-9]+$", var.project_number))
    error_message = "project_number must be the number of the project, not its ID."
  }
}

variable "region" {
  description = "Region of the services, and of the buckets unless `bucket_location` is set."
  type        = string
  nullable    = false
  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region must be a region, such as europe-north1."
  }
}

variable "scheduler_region" {
  description = "Region of the schedules. Cloud Scheduler is not available in every region of Cloud Run (`gcloud scheduler locations list`). By default `region`."
  type        = string
  default     = null
  validation {
    condition     = var.scheduler_region == null || can(regex("^[a-z]+-[a-z]+[0-9]+$", var.scheduler_region))
    error_message = "scheduler_region must be a region, such as europe-west1."
  }
}

variable "name" {
  description = "Prefix of every name. A project can have several deployments with different names."
  type        = string
  default     = "fileshare"
  nullable    = false
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "name must have 3 to 20 lowercase letters, digits and hyphens, begin with a letter, and not end with a hyphen."
  }
}

variable "labels" {
  description = "Labels of all resources that can have labels."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "images" {
  description = "Container images, each by digest: `REGION-docker.pkg.dev/PROJECT/REPOSITORY/NAME@sha256:…`. The build writes them as a variables file."
  type = object({
    upload  = string
    files   = string
    scanner = string
    sweeper = string
    clamav  = string
    notify  = optional(string)
  })
  nullable = false
  validation {
    condition     = alltrue([for image in values(var.images) : image == null || can(regex("^[a-z0-9][^@[:space:]]*@sha256:[0-9a-f]{64}$", coalesce(image, "-")))])
    error_message = "Each image in images must be named by digest (…@sha256:…), because a tag can be moved to an image that nobody has tested."
  }
}

variable "token_issuers" {
  description = "Issuers whose tokens are accepted, in the form of `TOKEN_ISSUERS`: a list such as `[{ kind = \"maskinporten\", audience = \"https://fileshare.example.no\" }]`. docs/identity.md describes all kinds."
  type        = any
  nullable    = false
  validation {
    condition = can(length(var.token_issuers)) && try(length(var.token_issuers) > 0 && alltrue([
      for issuer in var.token_issuers : contains(["maskinporten", "entra", "google", "custom"], issuer.kind) && startswith(try(issuer.issuer, "https://"), "https://")
    ]), false)
    error_message = "token_issuers must be a list of at least one issuer. Each must have a kind that docs/identity.md lists; its issuer, if set, must begin with https://."
  }
}

variable "public_url" {
  description = "Address that clients use for both upload and files; it is used for `Location` and links in answers. By default that of the load balancer; without a load balancer, each function has a separate address on run.app."
  type        = string
  default     = null
  validation {
    condition     = var.public_url == null || can(regex("^https://[^/]+$", var.public_url))
    error_message = "public_url must be an https URL without a path."
  }
}

variable "api_invokers" {
  description = "Callers that Cloud Run lets through to upload and files. The default is `allUsers`, because the functions check the token of every request, and clients of other organisations have no Google account. Name principals instead if all clients send a second token in `X-Serverless-Authorization`."
  type        = list(string)
  default     = ["allUsers"]
  nullable    = false
}

variable "invoker_iam_disabled" {
  description = "Whether Cloud Run lets all requests through to upload and files without asking IAM, so that `api_invokers` has no effect. For organisations whose policy forbids `allUsers` (domain-restricted sharing). The functions still check the token of every request."
  type        = bool
  default     = false
  nullable    = false
}

variable "bucket_location" {
  description = "Location of the buckets: the region, or a dual-region or multi-region that contains it. By default `region`."
  type        = string
  default     = null
}

variable "existing_buckets" {
  description = "Names of existing buckets to use instead of new ones. They need uniform bucket-level access and public access prevention; unscanned and quarantine must not have soft delete. The module changes nothing but their access."
  type = object({
    unscanned  = string
    permanent  = string
    quarantine = optional(string)
  })
  default = null
}

variable "force_destroy" {
  description = "Whether `terraform destroy` deletes buckets that still contain objects."
  type        = bool
  default     = false
  nullable    = false
}

variable "deletion_protection" {
  description = "Whether Terraform refuses to delete the services."
  type        = bool
  default     = true
  nullable    = false
}

variable "encryption" {
  description = "Cloud KMS keys, `projects/…/cryptoKeys/…`, by location: the key of `region` encrypts topics, services and the signature mirror, that of `bucket_location` the other buckets, and that of `exports` their bucket (`europe`, `us` or `asia` for the multi-regions EU, US and ASIA). By default Google's own keys."
  type        = object({ kms_keys = map(string) })
  default     = null
  validation {
    condition = var.encryption == null || alltrue([for location, key in try(var.encryption.kms_keys, {}) :
      can(regex("^projects/[^/]+/locations/${location}/.+/cryptoKeys/[^/]+$", key))
    ])
    error_message = "Each key in encryption.kms_keys must be projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY, where LOCATION is the location it is listed under."
  }
  validation {
    condition     = var.encryption == null || can(var.encryption.kms_keys[var.region])
    error_message = "encryption.kms_keys must have a key for the region, because topics and services accept no other."
  }
  validation {
    condition     = var.encryption == null || var.existing_buckets != null || can(var.encryption.kms_keys[local.bucket_key_location])
    error_message = "encryption.kms_keys must have a key for ${local.bucket_key_location}, because buckets accept only keys of their own location."
  }
  validation {
    condition     = var.encryption == null || !local.has_exports || can(var.encryption.kms_keys[local.exports_key_location])
    error_message = "encryption.kms_keys must have a key for the location of exports, because buckets accept only keys of their own location."
  }
}

variable "unscanned_delete_after_days" {
  description = "Days after which remaining objects in the unscanned bucket are deleted. Until then, a file can wait for the end of an outage, and a failed file can be sent to the scanner again."
  type        = number
  default     = 30
  nullable    = false
  validation {
    condition     = var.unscanned_delete_after_days >= 14
    error_message = "unscanned_delete_after_days must be at least 14: files wait in this bucket for the end of an outage, and a file that is deleted before its scan is lost."
  }
}

variable "quarantine" {
  description = "Whether infected and unscannable bytes are kept, for how many days, and who may read them (IAM members)."
  type = object({
    enabled           = optional(bool, true)
    delete_after_days = optional(number, 30)
    readers           = optional(list(string), [])
  })
  default  = {}
  nullable = false
}

variable "retention" {
  description = "Days during which nothing in the permanent bucket can be deleted. With `locked`, this can never be undone, and the bucket cannot be deleted earlier."
  type = object({
    days   = number
    locked = optional(bool, false)
  })
  default = null
  validation {
    condition     = var.retention == null || try(var.retention.days >= 1 && var.retention.days <= 36500, false)
    error_message = "retention.days must be 1 to 36500."
  }
}

variable "permanent_soft_delete_days" {
  description = "Days during which deleted objects of the permanent bucket can be restored; 0, or 7 to 90."
  type        = number
  default     = 7
  nullable    = false
  validation {
    condition     = var.permanent_soft_delete_days == 0 || (var.permanent_soft_delete_days >= 7 && var.permanent_soft_delete_days <= 90)
    error_message = "permanent_soft_delete_days must be 0, or 7 to 90."
  }
}

variable "callbacks" {
  description = "Callbacks for systems without a Google identity (docs/callbacks.md): the `origins` that may receive them, such as `https://hooks.example.no` or `https://*.example.no`; by owner, the URL for uploads that name none (`owners`); and the secret in Secret Manager with the signing keys, `projects/PROJECT/secrets/NAME`, which must exist before the first apply. By default there are no callbacks."
  type = object({
    origins     = list(string)
    owners      = optional(map(string), {})
    keys_secret = string
  })
  default = null
  validation {
    condition     = var.callbacks == null ? true : length(var.callbacks.origins) > 0 && alltrue([for origin in var.callbacks.origins : can(regex("^https://(\\*\\.)?([a-z0-9-]+\\.)+[a-z][a-z0-9-]*(:[0-9]+)?$", origin))])
    error_message = "callbacks.origins must have at least one https origin with a host name, such as https://hooks.example.no or https://*.example.no."
  }
  validation {
    condition     = var.callbacks == null ? true : can(regex("^projects/[^/]+/secrets/[A-Za-z0-9_-]+$", var.callbacks.keys_secret))
    error_message = "callbacks.keys_secret must be projects/PROJECT/secrets/NAME."
  }
  validation {
    condition     = var.callbacks == null ? true : var.images.notify != null
    error_message = "Callbacks need images.notify, the image of the function that sends them."
  }
}

variable "verdicts" {
  description = "Signed verdicts (docs/verdicts.md) and signed reports of audits: the key version in Cloud KMS that signs them, `projects/PROJECT/locations/…/keyRings/…/cryptoKeys/…/cryptoKeyVersions/N` of a key for `EC_SIGN_P256_SHA256`, and the public keys of earlier versions, as listed by `/.well-known/jwks.json`. By default nothing is signed."
  type = object({
    key_version  = string
    retired_keys = optional(list(map(string)), [])
  })
  default = null
  validation {
    condition     = var.verdicts == null ? true : can(regex("^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+/cryptoKeyVersions/[1-9][0-9]*$", var.verdicts.key_version))
    error_message = "verdicts.key_version must be projects/PROJECT/locations/LOCATION/keyRings/RING/cryptoKeys/KEY/cryptoKeyVersions/N."
  }
}

variable "bucket_data_locations" {
  description = "The two regions of a dual-region, such as `[\"EUROPE-NORTH1\", \"EUROPE-WEST4\"]`, for buckets that survive the loss of a region. `bucket_location` is then the multi-region that contains them, such as `EU`. By default none."
  type        = list(string)
  default     = []
  nullable    = false
  validation {
    condition     = length(var.bucket_data_locations) == 0 || (length(distinct(var.bucket_data_locations)) == 2 && contains(keys(local.multi_regions), upper(local.bucket_location)))
    error_message = "bucket_data_locations must be two regions, and bucket_location the multi-region that contains them: EU, US or ASIA."
  }
}

variable "turbo_replication" {
  description = "Whether new objects in the buckets of a dual-region reach both regions within 15 minutes (turbo replication). By default, most do within an hour, and all within 12."
  type        = bool
  default     = false
  nullable    = false
  validation {
    condition     = !var.turbo_replication || length(var.bucket_data_locations) > 0
    error_message = "turbo_replication needs a dual-region: set bucket_data_locations."
  }
}

variable "exports" {
  description = "Nightly exports of all records, for a restore (docs/recovery.md): the location of their bucket, which should be far from `bucket_location`; for how many days they are kept; every how many exports one contains all records and not only changes (`full_every`); and when they run (unix-cron, UTC; the next run continues an export that did not complete). By default none."
  type = object({
    location   = string
    keep_days  = optional(number, 35)
    full_every = optional(number, 7)
    schedule   = optional(string, "41 0,1,2 * * *")
  })
  default = null
  validation {
    condition     = var.exports == null ? true : lower(var.exports.location) != lower(local.bucket_location)
    error_message = "exports.location must differ from the location of the other buckets, because exports have to survive the loss of that location."
  }
  validation {
    condition     = var.exports == null ? true : var.exports.full_every >= 1 && var.exports.keep_days >= 2 * var.exports.full_every
    error_message = "exports.full_every must be at least 1, and exports.keep_days at least twice exports.full_every: an export can only be restored together with those that it builds on."
  }
}

variable "cors_origins" {
  description = "Origins whose pages may use the service from a browser, such as `https://app.example.org`, or `https://*.example.org` for every subdomain. Cloud Storage does not support such patterns, so the unscanned bucket gets only the other origins."
  type        = list(string)
  default     = []
  nullable    = false
  validation {
    condition = alltrue([for origin in var.cors_origins :
      can(regex("^(https://(\\*\\.[a-z0-9-]+\\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?|http://([a-z0-9-]+\\.)*localhost|http://127\\.0\\.0\\.1)(:[0-9]+)?$", origin))
    ])
    error_message = "Each of cors_origins must be an origin without a path, such as https://app.example.org, or a pattern such as https://*.example.org. Only localhost and 127.0.0.1 may use http."
  }
}

variable "upload" {
  description = "The upload function. An upload takes up to 16 MiB of memory, and two long ones at the same time take 64; set concurrency and memory together."
  type = object({
    cpu           = optional(string, "1")
    memory        = optional(string, "1Gi")
    concurrency   = optional(number, 40)
    min_instances = optional(number, 1)
    max_instances = optional(number, 20)
  })
  default  = {}
  nullable = false
}

variable "files" {
  description = "The files function. A download above `redirect_above_bytes` is answered with a signed URL, which the function is then allowed to sign; by default it sends all bytes itself. With `receipts`, the service remembers who has downloaded a file, for as long as it keeps the record."
  type = object({
    cpu                  = optional(string, "1")
    memory               = optional(string, "512Mi")
    concurrency          = optional(number, 80)
    min_instances        = optional(number, 1)
    max_instances        = optional(number, 20)
    redirect_above_bytes = optional(number)
    receipts             = optional(bool, true)
  })
  default  = {}
  nullable = false
}

variable "scanner" {
  description = "The scanner. The memory and processors of ClamAV follow from `max_scan_bytes` (larger files are unscannable) and `slots` (concurrent scans in an instance), see docs/operations.md. `signature_memory_mib` is the memory that signatures take while they are reloaded. With `min_instances = 0` no instance is kept warm and only requests are billed, but the first file waits until ClamAV has loaded its signatures."
  type = object({
    max_scan_bytes       = optional(number, 268435456)
    slots                = optional(number, 2)
    min_instances        = optional(number, 1)
    max_instances        = optional(number, 10)
    signature_memory_mib = optional(number, 3584)
  })
  default  = {}
  nullable = false
  validation {
    condition     = var.scanner.max_scan_bytes >= 1 && var.scanner.max_scan_bytes <= 2146435069 && floor(var.scanner.max_scan_bytes) == var.scanner.max_scan_bytes
    error_message = "scanner.max_scan_bytes must be a whole number from 1 to 2146435069, the maximum of ClamAV."
  }
  validation {
    condition     = contains([1, 2, 4, 6], var.scanner.slots)
    error_message = "scanner.slots must be 1, 2, 4 or 6. Each slot needs one CPU, Cloud Run offers CPUs in these numbers, and the scanner function needs another one."
  }
}

variable "fairness" {
  description = "Limits in each instance: for each owner, uploads (`uploads_per_owner`; 5/8 of the concurrency); for each caller, requests that wait for a verdict (`long_polls_per_caller` of files, 3/4 of its concurrency, and `upload_polls_per_caller` of upload, 1/4); and the scans that may wait, for which owners take turns (`scan_queue`; twenty for each of `scanner.slots`). docs/adr/0028."
  type = object({
    scan_queue              = optional(number)
    uploads_per_owner       = optional(number)
    long_polls_per_caller   = optional(number)
    upload_polls_per_caller = optional(number)
  })
  default  = {}
  nullable = false
  validation {
    condition     = var.fairness.scan_queue == null ? true : var.fairness.scan_queue >= 1 && var.fairness.scan_queue <= 700 && floor(var.fairness.scan_queue) == var.fairness.scan_queue
    error_message = "fairness.scan_queue must be a whole number from 1 to 700, so that it fits into the 1000 concurrent requests that Cloud Run allows for an instance."
  }
  validation {
    condition = alltrue([
      for share in [var.fairness.uploads_per_owner, var.fairness.long_polls_per_caller, var.fairness.upload_polls_per_caller] :
      share == null ? true : share >= 1 && share <= 1000 && floor(share) == share
    ])
    error_message = "uploads_per_owner, long_polls_per_caller and upload_polls_per_caller of fairness must be whole numbers from 1 to 1000."
  }
}

variable "scanner_network" {
  description = "VPC network and subnetwork for all traffic of the scanner: a network without a NAT keeps it off the internet. The scanner needs only Google's APIs, so the subnetwork needs Private Google Access. By default, Cloud Run's standard egress."
  type = object({
    network    = string
    subnetwork = string
  })
  default = null
}

variable "deduplicate" {
  description = "`DEDUPLICATE` of scanner, files and sweeper, which must be the same in all. By default, the default of the functions."
  type        = string
  default     = null
  validation {
    condition     = var.deduplicate == null ? true : contains(["global", "owner"], var.deduplicate)
    error_message = "deduplicate must be global or owner."
  }
}

variable "sweeper" {
  description = "The sweeper: its schedules (unix-cron, UTC; an alert expects at least one collection every three hours); the seconds after which a waiting file is sent to the scanner again; the `operators` (IAM members), who may call it from anywhere, to redrive files, release findings and condemn contents; whether a release needs a second operator; and whether quarantined content that newer signatures find clean is only reported (`report`) or released (`release`). Without operators, the sweeper can be reached only from inside Google Cloud."
  type = object({
    sweep_schedule       = optional(string, "*/5 * * * *")
    collect_schedule     = optional(string, "23 * * * *")
    stuck_after_seconds  = optional(number, 900)
    operators            = optional(list(string), [])
    release_needs_second = optional(bool, false)
    clean_in_quarantine  = optional(string, "report")
  })
  default  = {}
  nullable = false
  validation {
    condition     = var.sweeper.stuck_after_seconds >= 600 && var.sweeper.stuck_after_seconds <= 5400
    error_message = "sweeper.stuck_after_seconds must be 600 to 5400: a scan may take 600 seconds, and files must be redriven while Pub/Sub still retries their events."
  }
  validation {
    condition     = contains(["report", "release"], var.sweeper.clean_in_quarantine)
    error_message = "sweeper.clean_in_quarantine must be report or release."
  }
}

variable "rescan" {
  description = "Re-scans of stored contents: the ages in days at which a content is scanned (`after_days`; for no re-scans, leave it empty and `every_days` unset) and, if wanted, each multiple of `every_days`; the most contents and bytes a day; the schedule that looks for due contents (unix-cron, UTC); and the number of instances for re-scans, in addition to those of the scanner. docs/adr/0034."
  type = object({
    after_days    = optional(list(number), [1, 7, 30])
    every_days    = optional(number)
    files_per_day = optional(number, 100000)
    bytes_per_day = optional(number, 107374182400)
    schedule      = optional(string, "53 */3 * * *")
    max_instances = optional(number, 2)
  })
  default  = {}
  nullable = false
  validation {
    condition     = alltrue([for days in concat(var.rescan.after_days, var.rescan.every_days[*]) : days >= 1 && days <= 3650 && floor(days) == days])
    error_message = "rescan.after_days and rescan.every_days must be whole numbers from 1 to 3650."
  }
}

variable "audit_schedule" {
  description = "When the auditor checks all stored data (unix-cron, UTC). The next run continues an audit that did not complete. docs/operations.md."
  type        = string
  default     = "23 2,3,4 * * *"
  nullable    = false
}

variable "audit_reports_keep_days" {
  description = "Days after which signed reports of audits are deleted, except the newest. A retention policy or a hold keeps them longer. docs/operations.md."
  type        = number
  default     = 400
  nullable    = false
  validation {
    condition     = var.audit_reports_keep_days >= 1 && var.audit_reports_keep_days <= 36500 && floor(var.audit_reports_keep_days) == var.audit_reports_keep_days
    error_message = "audit_reports_keep_days must be a whole number from 1 to 36500."
  }
}

variable "environment" {
  description = "Further settings of the functions, by the names in docs/configuration.md, such as `scanner = { VERDICT_MAX_AGE_SECONDS = \"3600\" }`. Variables that the module sets cannot be set here."
  type = object({
    upload    = optional(map(string), {})
    files     = optional(map(string), {})
    scanner   = optional(map(string), {})
    rescanner = optional(map(string), {})
    sweeper   = optional(map(string), {})
    auditor   = optional(map(string), {})
    exporter  = optional(map(string), {})
    notify    = optional(map(string), {})
  })
  default  = {}
  nullable = false
  validation {
    condition = alltrue([
      for function, variables in var.environment : alltrue([for name in keys(variables) : contains(local.tunable[function], name)])
    ])
    error_message = "environment has settings that the function does not read, or that the module sets: ${join(", ", flatten([for function, variables in var.environment : [for name in keys(variables) : "${function}.${name}" if !contains(local.tunable[function], name)]]))}."
  }
  validation {
    condition     = var.exports == null ? true : try(tonumber(var.environment.sweeper.TOMBSTONE_DAYS) >= local.exports_gone_after_days, !contains(keys(var.environment.sweeper), "TOMBSTONE_DAYS"))
    error_message = "environment.sweeper.TOMBSTONE_DAYS must be at least ${local.exports_gone_after_days}: a restore from an older export would bring deleted files back."
  }
}

variable "signatures" {
  description = "ClamAV's signatures: an existing `mirror` (`https://…` or `gs://bucket/prefix`) to use instead of ours; the schedule (UTC) of the job that fills ours; the files to take; how often the sidecar checks for new ones; the age above which the scanner gives no verdicts; and for how long new ones that fail their trial may be held before a decision is due."
  type = object({
    mirror          = optional(string)
    schedule        = optional(string, "41 */3 * * *")
    files           = optional(list(string), ["main.cvd", "daily.cvd", "bytecode.cvd"])
    refresh_seconds = optional(number, 3600)
    max_age_hours   = optional(number, 168)
    max_hold_hours  = optional(number, 24)
  })
  default  = {}
  nullable = false
  validation {
    condition     = var.signatures.mirror == null || can(regex("^(https://|gs://[a-z0-9])", var.signatures.mirror))
    error_message = "signatures.mirror must be https://… or gs://bucket/prefix."
  }
  validation {
    condition     = var.signatures.max_hold_hours >= 1 && var.signatures.max_hold_hours <= 8760 && floor(var.signatures.max_hold_hours) == var.signatures.max_hold_hours
    error_message = "signatures.max_hold_hours must be a whole number from 1 to 8760."
  }
}

variable "subscriptions" {
  description = "Subscriptions to the scan events, by name: a filter on the attributes `verdict`, `owner` and `ce-type`; `push` to an https endpoint with an OIDC token, or `subscribers` (IAM members) that pull. Events that are not acknowledged within `max_delivery_attempts` become dead letters, which are kept for a week."
  type = map(object({
    filter                = optional(string)
    push                  = optional(object({ endpoint = string, audience = optional(string) }))
    subscribers           = optional(list(string), [])
    ack_deadline_seconds  = optional(number, 60)
    max_delivery_attempts = optional(number, 20)
  }))
  default  = {}
  nullable = false
  validation {
    condition     = alltrue([for name, subscription in var.subscriptions : can(regex("^[a-z][a-z0-9-]{0,39}$", name))])
    error_message = "Names in subscriptions must have 1 to 40 lowercase letters, digits and hyphens, and begin with a letter."
  }
}

variable "scan_events" {
  description = "The topic of scan events: for how long Pub/Sub keeps events, so that new subscriptions can go back to them; whether it refuses events that do not match `scan-event.proto`; and whether events of one file are delivered in order to subscriptions that ask for it (`ORDERED_EVENTS`). With `enforce_schema`, add a field to the schema before you deploy functions that send it."
  type = object({
    retention      = optional(string, "604800s")
    enforce_schema = optional(bool, false)
    ordered        = optional(bool, false)
  })
  default  = {}
  nullable = false
}

variable "load_balancer" {
  description = "A global external load balancer with one host name, a managed certificate and a limit of requests a minute from one address, which may be that of a whole hospital or of one busy backend. With `rate_limit_preview`, requests above the limit are logged and let through, so that you can find the right limit. The services can then be reached only through the load balancer. `page` serves the page (docs/page.md) from a public bucket under a separate host name, and adds its origin to `cors_origins`. By default clients use the URLs of the services."
  type = object({
    domain                = string
    requests_per_minute   = optional(number, 12000)
    rate_limit_preview    = optional(bool, false)
    log_sample_rate       = optional(number, 1)
    deny_source_ip_ranges = optional(list(string), [])
    page                  = optional(object({ domain = string, bucket = string }))
  })
  default = null
  validation {
    condition     = var.load_balancer == null || can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", var.load_balancer.domain))
    error_message = "load_balancer.domain must be a host name."
  }
  validation {
    condition     = try(var.load_balancer.page, null) == null ? true : can(regex("^([a-z0-9-]+\\.)+[a-z]{2,}$", var.load_balancer.page.domain)) && var.load_balancer.page.domain != var.load_balancer.domain
    error_message = "load_balancer.page.domain must be a host name other than load_balancer.domain, because the page needs a separate origin."
  }
}

variable "slo" {
  description = "Service level objectives over 28 days, with alerts on their burn rates (docs/operations.md): `availability_percent` of the requests to upload and files end without a server error, and `verdict_percent` of the verdicts are given within `verdict_within_seconds` after the last byte. Windows with fewer than `min_requests` or `min_verdicts` raise no alert."
  type = object({
    availability_percent   = optional(number, 99.9)
    min_requests           = optional(number, 500)
    verdict_within_seconds = optional(number, 60)
    verdict_percent        = optional(number, 99)
    min_verdicts           = optional(number, 50)
  })
  default  = {}
  nullable = false
  validation {
    condition     = alltrue([for percent in [var.slo.availability_percent, var.slo.verdict_percent] : percent >= 94 && percent <= 99.999])
    error_message = "slo.availability_percent and slo.verdict_percent must be 94 to 99.999. Below about 93, not even 100 % errors could burn the budget 14.4 times too fast."
  }
  validation {
    condition     = var.slo.verdict_within_seconds > 0 && var.slo.min_requests >= 1 && var.slo.min_verdicts >= 1
    error_message = "slo.verdict_within_seconds must be above 0, and slo.min_requests and slo.min_verdicts at least 1."
  }
}

variable "uptime_check_seconds" {
  description = "How often Cloud Monitoring checks from six places whether upload and files answer: 60, 300, 600 or 900 seconds; null for never. Each check is a request, which starts an instance if none is running. Has no effect if Cloud Run lets only certain `api_invokers` through."
  type        = number
  default     = 300
  validation {
    condition     = var.uptime_check_seconds == null ? true : contains([60, 300, 600, 900], var.uptime_check_seconds)
    error_message = "uptime_check_seconds must be 60, 300, 600, 900 or null."
  }
}

variable "notification_channels" {
  description = "Notification channels of Cloud Monitoring for alerts: `projects/…/notificationChannels/…`."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "runbook_base_url" {
  description = "URL of the folder with the runbooks as `ALERT.md`, such as docs/runbooks of this repository in your fork. The documentation of each alert links there; by default it only names the page."
  type        = string
  default     = null
  validation {
    condition     = var.runbook_base_url == null || can(regex("^https://[^%\\s]+$", var.runbook_base_url))
    error_message = "runbook_base_url must be an https:// URL without percent signs and spaces."
  }
}

variable "tracing_endpoint" {
  description = "Base URL of a collector that accepts spans by OTLP over HTTP (docs/traces.md). `https://telemetry.googleapis.com` is Cloud Trace; the functions are then allowed to write to it. By default there are no spans, and no code for them is loaded."
  type        = string
  default     = null
  validation {
    condition     = var.tracing_endpoint == null || can(regex("^https?://[^?#\\s]+$", var.tracing_endpoint))
    error_message = "tracing_endpoint must be an http:// or https:// URL without a query or fragment."
  }
}

variable "enable_apis" {
  description = "Whether the module enables the APIs that it needs. They stay enabled when it is destroyed."
  type        = bool
  default     = true
  nullable    = false
}
