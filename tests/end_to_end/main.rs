//! End-to-end tests: the real binary between real clients and servers.

mod addons;
mod bounds;
mod clients;
mod concurrency;
mod configuration;
mod example_addons;
mod examples;
mod forwarding;
mod har;
mod harness;
mod http2_abuse;
mod leaks;
mod matchers;
mod misses;
mod mitmproxy;
mod options;
mod process;
mod recording;
mod requests;
mod rights;
mod servers;
mod streams;
mod vectors;
