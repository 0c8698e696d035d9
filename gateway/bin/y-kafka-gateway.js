#!/usr/bin/env node
// Not the built file itself, so that npm can link the command before anything is built.
import '../dist/cli.js'
