//! End-to-end tests: the real binary between real clients and servers.

mod access;
mod addons;
mod bounds;
mod concurrency;
mod configuration;
mod conformance;
mod example_addons;
mod examples;
mod forwarding;
mod har;
mod harness;
mod leaks;
mod matchers;
mod misses;
mod mitmproxy;
mod options;
mod permissions;
mod process;
mod recording;
mod requests;
mod rights;
mod secrets;
mod servers;
mod streams;
mod vectors;
