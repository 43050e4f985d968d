//! End-to-end tests: the real binary between real clients and servers.

mod addons;
mod bounds;
mod concurrency;
mod configuration;
mod example_addons;
mod examples;
mod faults;
mod forwarding;
mod har;
mod harness;
mod leaks;
mod matchers;
mod misses;
mod mitmproxy;
mod options;
mod process;
mod recording;
mod recording_faults;
mod requests;
mod rights;
mod servers;
mod streams;
mod vectors;
