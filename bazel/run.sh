#!/bin/sh
# Runs its arguments: lets a test be a program with arguments.
exec "$@"
