# `just` lists the recipes. Everything here also works without just: each recipe is one command.

[private]
default:
    @just --list --unsorted

# Run the server with the files in ./data, on http://localhost:3000
run *arguments:
    cargo run -- {{arguments}}

# Run the Rust tests whose name contains FILTER (all of them without one)
test filter="":
    @if cargo nextest --version >/dev/null 2>&1; then cargo nextest run {{filter}}; else cargo test --lib --tests -- {{filter}}; fi

# Run stages of the full suite: style, deny, rust, build, browser, deploy, text_browser, client, faults, benchmark
stage +stages:
    scripts/test {{stages}}

# Run the full suite, as CI does
ci:
    scripts/test

# Check formatting and lints
lint:
    cargo fmt --check
    cargo clippy --locked --all-targets -- -D warnings

# Format the Rust code
fmt:
    cargo fmt

# Measure CPU time per request against a bare actix-web server
bench *arguments:
    cargo bench --locked --bench cost -- {{arguments}}

# Build the API documentation and check the pages of docs/
docs:
    cargo doc --locked --no-deps
    cargo test --locked --test main documents::

# Measure line coverage of the Rust tests (needs cargo-llvm-cov)
coverage:
    cargo llvm-cov --locked --html
