#!/bin/sh
# What the Pulumi CLI starts as pulumi-resource-command: `node` and `main.ts` lie beside it as links.
exec "${0%/*}/node" "${0%/*}/main.ts" "$@"
