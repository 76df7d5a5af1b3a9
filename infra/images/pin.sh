#!/bin/bash
# Prints the digests of today's base images, and of those that the build's steps run in, as substitutions for cloudbuild.yaml. Needs docker with buildx, as Cloud
# Shell has it. Look at what changed, and keep what you chose in your trigger: a build uses exactly that.
set -euo pipefail

digest() { docker buildx imagetools inspect "$1" --format '{{.Manifest.Digest}}'; }

node=$(digest docker.io/library/node:26-trixie-slim)
runtime=$(digest gcr.io/distroless/nodejs26-debian13)
debian=$(digest docker.io/library/debian:trixie-slim)
docker=$(digest gcr.io/cloud-builders/docker)
gcloud=$(digest gcr.io/google.com/cloudsdktool/google-cloud-cli:stable)
printf '_NODE_DIGEST=%s,_RUNTIME_DIGEST=%s,_DEBIAN_DIGEST=%s,_DOCKER_DIGEST=%s,_GCLOUD_DIGEST=%s\n' \
  "$node" "$runtime" "$debian" "$docker" "$gcloud"
