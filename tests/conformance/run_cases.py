#!/usr/bin/env python3
"""Runs cases.json against a proxy. stdlib only. Loopback only.
  run_cases.py --reverse 127.0.0.1:8081 [--forward H:P] [--connect H:P] [--h2c H:P] [--slow] [--only RE] [--json out] [--product]
The origin listens on 127.0.0.1:19000, or on the socket that is standard input (--origin-on-stdin); point reverse listeners at it."""
import socket, threading, time, json, re, sys, struct, argparse, os
ap = argparse.ArgumentParser()
for o in ("reverse", "forward", "connect", "h2c", "only", "json", "cases", "admin"): ap.add_argument("--"+o)
ap.add_argument("--slow", action="store_true"); ap.add_argument("--product", action="store_true"); ap.add_argument("--native", action="store_true", help="only the listener named in the case"); ap.add_argument("-v", action="store_true")
ap.add_argument("--origin-on-stdin", action="store_true", help="standard input is a listening socket of 127.0.0.1 with a port of five digits")
A = ap.parse_args()
OH = "127.0.0.1"
if A.origin_on_stdin: LISTENING = socket.socket(fileno=os.dup(0))
else: LISTENING = socket.socket(); LISTENING.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); LISTENING.bind((OH, 19000))
OP = LISTENING.getsockname()[1]
CLOSED = socket.socket(); CLOSED.bind((OH, 0))   # bound, but not listening: nobody else takes it, and connecting is refused
ORIGIN = f"{OH}:{OP}"; DEAD = "%s:%d" % CLOSED.getsockname()
# HPACK blocks name the origin with the length of its name before it.
assert len(ORIGIN) == len("127.0.0.1:19000"), "the origin's port has to have five digits"
with open(A.cases or os.path.join(os.path.dirname(os.path.abspath(__file__)), "cases.json")) as f: DOC = json.loads(f.read().replace("127.0.0.1:19000", ORIGIN))
TOK = re.compile(rb"^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$")
def parse_head(head, req):
    """head: bytes before CRLFCRLF. returns first line, headers, anomalies"""
    an = []
    if re.search(rb"(?<!\r)\n", head): an.append("bare LF")
    if re.search(rb"\r(?!\n)", head): an.append("bare CR")
    lines = re.split(rb"\r?\n", head); hs = []
    for l in lines[1:]:
        if l[:1] in b" \t" and l: an.append("obs-fold"); continue
        n, c, v = l.partition(b":")
        if not c: an.append("no colon"); continue
        if n != n.rstrip(): an.append("space before colon")
        elif not TOK.match(n): an.append("bad name")
        v = v.strip(b" \t")
        if re.search(rb"[\x00-\x08\x0b-\x1f\x7f]", v): an.append("CTL in value")
        hs.append((n.strip().lower().decode("latin1"), v.decode("latin1")))
    te = [v for n, v in hs if n == "transfer-encoding"]; cl = [v for n, v in hs if n == "content-length"]
    if te and cl: an.append("TE+CL")
    if len(cl) > 1: an.append("dup CL")
    if cl and not re.match(r"^\d+$", cl[0]): an.append("bad CL")
    if len(te) > 1 or (te and te[0].lower() != "chunked"): an.append("odd TE")
    if req:
        if not re.match(rb"^[!#$%&'*+\-.^_`|~0-9A-Za-z]+ [^\x00-\x20\x7f]+ HTTP/1\.[01]$", lines[0]): an.append("bad request line")
        if sum(1 for n, _ in hs if n == "host") != 1 and lines[0].endswith(b"1.1"): an.append("host count")
    return lines[0], hs, an
def get(hs, n): return [v for k, v in hs if k == n]
def read_body(buf, te, cl):
    """returns (body, consumed, complete, trailers, anomalies)"""
    if te:
        i, body = 0, b""
        while True:
            j = buf.find(b"\r\n", i)
            if j < 0: return body, i, False, [], []
            m = re.match(rb"^([0-9A-Fa-f]{1,16})(?:[ \t]*;[^\r\n]*)?$", buf[i:j])
            if not m: return body, len(buf), None, [], ["bad chunk size"]
            n = int(m[1], 16); i = j+2
            if n == 0:
                k = buf.find(b"\r\n", i)
                tr = []
                while k >= 0:
                    if k == i: return body, k+2, True, tr, []
                    tr.append(buf[i:k].decode("latin1").lower()); i = k+2; k = buf.find(b"\r\n", i)
                return body, i, False, tr, []
            if len(buf) < i+n+2: return body+buf[i:i+n], len(buf), False, [], []
            if buf[i+n:i+n+2] != b"\r\n": return body+buf[i:i+n], len(buf), None, [], ["chunk data not CRLF"]
            body += buf[i:i+n]; i += n+2
    n = cl or 0
    return buf[:n], min(n, len(buf)), len(buf) >= n, [], []
class Origin:
    def __init__(s):
        s.ls = LISTENING; s.ls.listen(128)
        s.case = None; s.lock = threading.Lock(); threading.Thread(target=s.loop, daemon=True).start(); s.reset({}, 0)
    def reset(s, spec, gen):
        old = getattr(s, "conns", []); s.gen = gen
        for c in old:   # drop pooled upstream connections of the previous case, let the proxy notice
            try: c.shutdown(socket.SHUT_RDWR)
            except OSError: pass
        if old: time.sleep(0.04)
        s.spec, s.reqs, s.an, s.raw, s.sent, s.aborted, s.nreq, s.conns = spec, [], [], b"", 0, False, 0, []
    def loop(s):
        while True:
            c, _ = s.ls.accept(); s.conns.append(c); threading.Thread(target=s.conn, args=(c, s.gen), daemon=True).start()
    def script(s, c, sc, gen, st):
        for x in sc:
            if gen != s.gen: return False
            try:
                if "send" in x: c.sendall(x["send"].encode("latin1")); s.sent += len(x["send"])
                elif "send_repeat" in x:
                    b = x["send_repeat"][0].encode("latin1"); c.settimeout(6)
                    for _ in range(x["send_repeat"][1]):
                        if gen != s.gen: return False
                        try: c.sendall(b)
                        except (OSError, socket.timeout): s.aborted = True; return False
                        s.sent += len(b)
                elif "sleep_ms" in x: time.sleep(x["sleep_ms"]/1000)
                elif "close" in x: c.close(); return False
                elif "rst" in x: c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)); c.close(); return False
                elif "hang" in x:
                    t = time.time()
                    while time.time()-t < 70 and gen == s.gen: time.sleep(0.1)
                    return False
                elif "read_body" in x: s.fill(c, st)
                elif "expect" in x:
                    c.settimeout(x["timeout_ms"]/1000); b = b""
                    while x["expect"].encode("latin1") not in b:
                        d = c.recv(65536)
                        if not d: return False
                        b += d; s.raw += d
            except OSError: s.aborted = True; return False
        return True
    def fill(s, c, st):
        c.settimeout(5)
        while True:
            body, used, done, tr, an = read_body(st["buf"], st["te"], st["cl"])
            if done or done is None: st["body"] = (body, used, done, tr, an); return
            try: d = c.recv(65536)
            except OSError: d = b""
            if not d: st["body"] = (body, used, False, tr, an); return
            st["buf"] += d; s.raw += d
    def conn(s, c, gen):
        buf = b""; spec = s.spec
        try:
            if spec.get("raw_tunnel"):
                c.settimeout(3); d = c.recv(65536); s.raw += d; c.sendall(d); return
            while gen == s.gen:
                c.settimeout(80)
                while b"\r\n\r\n" not in buf and not re.search(rb"\n\r?\n", buf):
                    d = c.recv(65536)
                    if not d: return
                    if gen != s.gen: return
                    buf += d; s.raw += d
                m = re.search(rb"\r?\n\r?\n", buf); head, buf = buf[:m.start()], buf[m.end():]
                if m[0] != b"\r\n\r\n": s.an.append("bare LF")
                line, hs, an = parse_head(head, True); s.an += an
                te, cl = get(hs, "transfer-encoding"), get(hs, "content-length")
                st = {"buf": buf, "te": bool(te), "cl": int(cl[0]) if cl and cl[0].isdigit() else 0, "body": None}
                with s.lock: idx = s.nreq; s.nreq += 1
                per = spec.get("per_request"); sp = per[min(idx, len(per)-1)] if per else spec
                p = line.decode("latin1").split(" "); r = {"method": p[0], "target": p[1] if len(p) > 1 else "", "headers": hs, "complete": False, "body": b""}
                early = sp.get("wait") == "headers"
                s_ok = True
                if early: s_ok = s.script(c, sp["script"], gen, st)
                if not st["body"] and s_ok: s.fill(c, st)
                if st["body"]:
                    body, used, done, tr, an = st["body"]; s.an += an; r.update(body=body, complete=bool(done), trailers=tr); buf = st["buf"][used:]
                s.reqs.append(r)
                if early:
                    if not s_ok: return
                    continue
                if not r["complete"]: return
                if sp.get("echo_target"):
                    b = f"body-{r['target']};".encode(); c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(b)+b); continue
                if not s.script(c, sp.get("script", [{"send": "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"}]), gen, st): return
        except OSError: pass
        finally:
            try: c.close()
            except OSError: pass
def parse_responses(raw, methods):
    out, an, info, i, k = [], [], [], 0, 0
    eof = raw["eof"]; buf = raw["buf"]
    while i < len(buf):
        m = re.compile(rb"\r?\n\r?\n").search(buf, i)
        if not m: break
        if m[0] != b"\r\n\r\n": an.append("bare LF")
        line, hs, a = parse_head(buf[i:m.start()], False); an += a
        mm = re.match(rb"^HTTP/(\d\.\d) (\d{3})(?: (.*))?$", line)
        if not mm: an.append("bad status line"); out.append({"status": -1, "headers": hs, "body": b"", "complete": False}); break
        st = int(mm[2]); i = m.end()
        if 100 <= st < 200 and st != 101: info.append(st); continue
        meth = methods[k] if k < len(methods) else "GET"; k += 1
        te, cl = get(hs, "transfer-encoding"), get(hs, "content-length")
        if st == 101 or (meth == "CONNECT" and 200 <= st < 300): out.append({"status": st, "headers": hs, "body": buf[i:], "complete": True, "tunnel": True}); i = len(buf); break
        if meth == "HEAD" or st in (204, 304): body, used, done, tr, a = b"", 0, True, [], []
        elif te or cl: body, used, done, tr, a = read_body(buf[i:], bool(te), int(cl[0]) if cl and cl[0].isdigit() else 0)
        else: body, used, done, tr, a = buf[i:], len(buf)-i, eof == "fin", [], []; 
        an += a; out.append({"status": st, "headers": hs, "body": body, "complete": bool(done), "trailers": tr, "te": bool(te)}); i += used
        if not done: break
    return out, info, an, buf[i:]
def subst(t, lst, via):
    u = f"http://{ORIGIN}" if via == "forward" else ""
    for a, b in (("{{U}}", u), ("{{H}}", ORIGIN), ("{{ORIGIN}}", ORIGIN), ("{{PROXY}}", lst), ("{{DEAD}}", DEAD), ("{{ADMIN_PORT}}", (A.admin or "x:1").split(":")[1]), ("{{ADMIN}}", A.admin or "127.0.0.1:1")): t = t.replace(a, b)
    return t
def connect(lst):
    h, p = lst.rsplit(":", 1); s = socket.create_connection((h, int(p)), 3); s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1); return s
def run(case, lst, via, origin, gen):
    origin.reset(case["origin"], gen)
    raw = {"buf": b"", "eof": None}; t0 = time.time(); limit = case.get("max_ms", 6000)/1000
    if case["protocol"] == "h2c": quiet1 = quiet0 = 1.5
    else: quiet1, quiet0 = 0.7, (limit if case.get("slow") else 3.0)
    s = connect(lst); stop = {"d": False}
    def pump(timeout, until=None):
        s.settimeout(0.05); t = time.time(); last = t
        while time.time()-t < timeout:
            if until and until(): return True
            try: d = s.recv(262144)
            except (socket.timeout, BlockingIOError): continue
            except OSError: raw["eof"] = raw["eof"] or "rst"; return False
            if not d: raw["eof"] = raw["eof"] or "fin"; return False
            raw["buf"] += d
        return False
    if via == "connect-wrap":
        s.sendall(f"CONNECT {ORIGIN} HTTP/1.1\r\nHost: {ORIGIN}\r\n\r\n".encode()); pump(3, lambda: b"\r\n\r\n" in raw["buf"])
        if b" 200" not in raw["buf"][:15]: return None
        raw["buf"] = b""
    got = 0
    try:
        for x in case["steps"]:
            if raw["eof"]: break
            if "send" in x or "send_repeat" in x or "h2_rapid_reset" in x:
                if "h2_rapid_reset" in x:
                    hb = bytes.fromhex(x["headers_block_hex"]); b = b"".join(struct.pack(">I", len(hb))[1:]+b"\x01\x05"+struct.pack(">I", 2*i+1)+hb+b"\x00\x00\x04\x03\x00"+struct.pack(">I", 2*i+1)+b"\x00\x00\x00\x08" for i in range(x["h2_rapid_reset"]))
                else: b = subst(x["send"], lst, via).encode("latin1") if "send" in x else subst(x["send_repeat"][0], lst, via).encode("latin1")*x["send_repeat"][1]
                s.settimeout(min(limit, 8)); mv = memoryview(b)
                while mv:
                    s.settimeout(5)
                    try: n = s.send(mv[:262144])
                    except socket.timeout: break
                    mv = mv[n:]
                    if len(b) > 100000: pump(0.001)
            elif "sleep_ms" in x: pump(x["sleep_ms"]/1000)
            elif "expect" in x:
                base = got; r = re.compile(x["expect"].encode("latin1")); 
                if pump(x["timeout_ms"]/1000, lambda: r.search(raw["buf"], base)): got = r.search(raw["buf"], base).end()
            elif "recv_bytes" in x: pump(3, lambda: len(raw["buf"]) >= x["recv_bytes"])
            elif "shutdown_wr" in x: s.shutdown(socket.SHUT_WR)
            elif "rst" in x: s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)); s.close(); stop["d"] = True; raw["self_rst"] = True; time.sleep(1.0 if case["id"] not in ("G11", "G12") else 2.5)
    except OSError: raw["eof"] = raw["eof"] or "rst"; 
    if not stop["d"]:
        if raw["eof"] == "rst":
            try: pump(0.3)
            except OSError: pass
        t = time.time(); n = -1; lastch = t
        meth = case.get("methods") or (["CONNECT"] if case["listener"] == "connect" or case["id"] == "H10" else [])
        while not raw["eof"] and time.time()-t0 < limit+3:
            pump(0.1)
            if len(raw["buf"]) != n: n = len(raw["buf"]); lastch = time.time()
            fin = parse_responses(raw, meth)[0] if case["protocol"] == "h1" else [1]
            if time.time()-lastch > (quiet1 if fin else quiet0): break
        s.close()
    el = time.time()-t0
    time.sleep(0.05)
    meth = case.get("methods") or (["CONNECT"] if (via == "connect" or case["id"] == "H10") else [])
    o = {"raw": raw["buf"], "closed": raw["eof"] is not None or raw.get("self_rst", False), "elapsed": el, "h2": None}
    if case["protocol"] == "h2c": o["h2"] = parse_h2(raw["buf"]); o["resp"], o["info"], o["can"] = [], [], []
    else: o["resp"], o["info"], o["can"], o["rest"] = parse_responses(raw, meth)
    o["reqs"] = [r for r in origin.reqs if r["complete"]]; o["partial"] = [r for r in origin.reqs if not r["complete"]]
    o["oan"], o["oraw"], o["sent"], o["aborted"] = list(origin.an), origin.raw, origin.sent, origin.aborted
    return o
def parse_h2(b):
    i, st = 0, {"settings": False, "goaway": None, "rst": {}, "headers": {}, "http1": b[:5] == b"HTTP/"}
    while i+9 <= len(b) and not st["http1"]:
        n = int.from_bytes(b[i:i+3], "big"); t = b[i+3]; sid = int.from_bytes(b[i+5:i+9], "big") & 0x7fffffff; pl = b[i+9:i+9+n]
        if t == 4: st["settings"] = True
        elif t == 7 and len(pl) >= 8: st["goaway"] = int.from_bytes(pl[4:8], "big")
        elif t == 3 and len(pl) >= 4: st["rst"][sid] = int.from_bytes(pl[:4], "big")
        elif t == 1: st["headers"].setdefault(sid, pl)
        i += 9+n
    return st
def h2status(pl):
    # decode :status at start of block (static index 8..14 or literal with name index 8)
    T = {8: 200, 9: 204, 10: 206, 11: 304, 12: 400, 13: 404, 14: 500}
    j = 0
    while j < len(pl) and pl[j] & 0xe0 == 0x20: j += 1   # table size updates
    b = pl[j]
    if b & 0x80: return T.get(b & 0x7f, 0)
    idx = b & (0x3f if b & 0x40 else 0x0f)
    if idx in T:
        L = pl[j+1]; v = pl[j+2:j+2+(L & 0x7f)]
        if L & 0x80:  # huffman digits
            bits = bin(int.from_bytes(b"\x01"+v, "big"))[3:]; D = {"00000": "0", "00001": "1", "00010": "2", "011001": "3", "011010": "4", "011011": "5", "011100": "6", "011101": "7", "011110": "8", "011111": "9"}; o = ""; 
            while bits:
                for k, c in D.items():
                    if bits.startswith(k): o += c; bits = bits[len(k):]; break
                else: break
            return int(o or 0)
        return int(v or 0)
    return 0
def stm(s, want):
    if want is None: return s is None
    for w in (want if isinstance(want, list) else [want]):
        if w is None and s is None: return True
        if isinstance(w, int) and s == w: return True
        if isinstance(w, str) and s is not None and str(s)[0] == w[0]: return True
    return False
def num(n, w): return n <= w["max"] if isinstance(w, dict) else n == w
def holds(e, o, case):
    """returns list of failed predicates"""
    f = []; R = o["resp"]; r0 = R[0] if R else None; q = o["reqs"]; q0 = q[0] if q else None
    H = lambda r, n: get(r["headers"], n) if r else []
    sub = lambda v: subst(v, "", "reverse") if isinstance(v, str) else v
    for k, w in e.items():
        ok = True
        if k == "status": ok = stm(r0["status"] if r0 else None, w)
        elif k == "statuses": ok = [r["status"] for r in R] == w
        elif k == "final_status": ok = bool(R) and R[-1]["status"] in w or (len(R) == 1 and o["closed"])
        elif k == "origin_requests": ok = True if case.get("count_any_origin") else num(len(q), w)
        elif k == "count": pass
        elif k == "closed": ok = o["closed"] == w
        elif k == "resp_body": ok = bool(r0) and r0["body"] == w.encode("latin1") and r0["complete"]
        elif k == "resp_body_not": ok = not r0 or not any(x.encode() in r0["body"] for x in w)
        elif k == "resp_complete": ok = bool(r0) and r0["complete"] == w
        elif k == "origin_method": ok = bool(q0) and q0["method"] == w
        elif k == "origin_target": ok = bool(q0) and q0["target"] == w
        elif k == "origin_targets": ok = [x["target"] for x in q] == w
        elif k == "origin_targets_set": ok = sorted(x["target"] for x in q) == sorted(w)
        elif k == "origin_target_count": ok = all(num(sum(1 for x in q+o["partial"] if x["target"].endswith(t)), c) for t, c in w.items())
        elif k == "origin_body": ok = bool(q0) and q0["body"] == w.encode("latin1")
        elif k == "origin_body_len": ok = bool(q0) and len(q0["body"]) == w
        elif k == "origin_bodies": ok = sorted(x["body"].decode("latin1") for x in q) == sorted(w)
        elif k == "origin_header_list": ok = all([", ".join(H(q0, n))] == [", ".join(map(sub, v))] for n, v in w.items())
        elif k == "origin_header_list_max": ok = all(len(H(q0, n)) <= v for n, v in w.items())
        elif k == "origin_header_absent": ok = not any(H(q0, n) for n in w)
        elif k == "origin_header_re": ok = all(re.search(v, ", ".join(H(q0, n)) if H(q0, n) else "\0") for n, v in w.items())
        elif k == "origin_header_not_re": ok = not any(re.search(v, ", ".join(H(q0, n))) for n, v in w.items())
        elif k == "origin_host_not": ok = all(w not in ",".join(H(x, "host")) for x in q)
        elif k == "origin_host_present": ok = bool(H(q0, "host"))
        elif k == "origin_not_contains": ok = not any(x.encode("latin1") in o["oraw"] for x in w)
        elif k == "origin_contains": ok = any(x.encode("latin1") in o["oraw"] for x in w) or (e.get("alt_masked") and len(o["oraw"]) > 0 and b"\x81\x85" in o["oraw"])
        elif k == "alt_masked": pass
        elif k == "client_contains": ok = all(x.encode("latin1") in o["raw"] for x in w)
        elif k == "client_not_contains": ok = not any(x.encode("latin1") in o["raw"] for x in w)
        elif k == "client_order": i = [o["raw"].find(x.encode()) for x in w]; ok = -1 not in i and i == sorted(i)
        elif k == "resp_header_list": ok = all(H(r0, n) == v or ", ".join(H(r0, n)) == ", ".join(v) and n != "set-cookie" for n, v in w.items())
        elif k == "resp_header_absent": ok = not any(H(r0, n) for n in w)
        elif k == "resp_header_re": ok = all(re.search(v, ", ".join(H(r0, n)) if H(r0, n) else "\0") for n, v in w.items())
        elif k == "resp_header_absent_if_te": ok = not (H(r0, "transfer-encoding") and H(r0, "content-length"))
        elif k == "informational": ok = o["info"] == w
        elif k == "informational_subset": ok = True
        elif k == "connect_status": ok = bool(r0) and stm(r0["status"], w)
        elif k == "connect_header_absent": ok = not any(H(r0, n) for n in w)
        elif k == "origin_send_aborted": ok = o["aborted"] == w
        elif k == "origin_sent_max": ok = o["sent"] <= w
        elif k == "h2_server_preface": ok = len(o["raw"]) > 9 and o["raw"][3] == 4
        elif k == "h2_stream1":
            h = o["h2"]; s1 = h2status(h["headers"][1]) if 1 in h["headers"] else None
            ok = any((x == "rst" and (1 in h["rst"])) or (x == "goaway" and (h["goaway"] not in (None, 0) or (o["closed"] and s1 is None))) or (isinstance(x, int) and s1 == x) or (isinstance(x, str) and x[1:] == "xx" and s1 and str(s1)[0] == x[0]) for x in w)
        elif k == "h2_conn": h = o["h2"]; ok = ("goaway" in w and h["goaway"] not in (None, 0)) or ("closed" in w and o["closed"]) or ("alive" in w and not o["closed"])
        else: ok = False; k = "UNKNOWN "+k
        if not ok: f.append(k)
    return f
def judge(case, o):
    inv = []
    if o["oan"] and not case.get("skip_origin_wellformed"): inv.append("I1 origin got: "+", ".join(sorted(set(o["oan"]))))
    if o["can"] and case["listener"] != "connect" and not (o["resp"] and o["resp"][0].get("tunnel")): inv.append("I2 client got: "+", ".join(sorted(set(o["can"]))))
    nsm = sum(1 for r in o["reqs"]+o["partial"] if "/smuggled" in r["target"])
    allowed = 1 if case["id"] in () else 0
    if nsm > allowed: inv.append("I4 smuggled request reached the origin")
    if o["elapsed"] > case.get("max_ms", 6000)/1000+4: inv.append("I5 took %.1fs" % o["elapsed"])
    alts = [holds(e, o, case) for e in case["expected"]["any_of"]]
    best = min(alts, key=len)
    return (not best and not inv), inv, best
def main():
    org = Origin(); gen = 1; res = []; L = {"reverse": A.reverse, "forward": A.forward, "connect": A.connect, "h2c": A.h2c}
    for case in DOC["cases"]:
        if A.only and not re.search(A.only, case["id"]): continue
        if case.get("product_only") and not A.product: continue
        if case.get("slow") and not A.slow: continue
        vias = []
        if case["protocol"] == "h2c": vias = [("h2c", A.h2c)] if A.h2c else []
        else:
            if L.get(case["listener"]): vias.append((case["listener"], L[case["listener"]]))
            if not A.native:
                if "forward" in case.get("also_valid_on", []) and A.forward: vias.append(("forward", A.forward))
                if "connect" in case.get("also_valid_on", []) and A.connect: vias.append(("connect-wrap", A.connect))
        for via, lst in vias:
            gen += 1
            try: o = run(case, lst, via, org, gen)
            except Exception as ex: res.append((case["id"], via, "ERR", repr(ex), "")); print(case["id"], via, "ERR", repr(ex)); continue
            if o is None: res.append((case["id"], via, "SKIP", "no tunnel", "")); continue
            ok, inv, best = judge(case, o)
            # canary
            alive = True
            try:
                gen += 1; org.reset({"script": [{"send": "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"}]}, gen)
                if case["protocol"] == "h1" and via in ("reverse", "forward"):
                    s = connect(lst); s.sendall(subst("GET {{U}}/canary HTTP/1.1\r\nHost: {{H}}\r\nConnection: close\r\n\r\n", lst, via).encode()); s.settimeout(3); d = s.recv(65536); alive = b" 200" in d[:16]; s.close()
            except OSError: alive = False
            if not alive: inv.append("I3 canary failed"); ok = False
            got = "resp=%s info=%s origin=%s partial=%d closed=%s %.1fs" % ([r["status"] for r in o["resp"]] if not o["h2"] else {k: o["h2"][k] for k in ("goaway", "rst", "headers")} if len(str(o["h2"])) < 300 else "h2..", o["info"], [r["method"]+" "+r["target"][:40] for r in o["reqs"]][:4], len(o["partial"]), o["closed"], o["elapsed"])
            res.append((case["id"], via, "PASS" if ok else "FAIL", "; ".join(inv+(["unmet: "+",".join(best)] if best else [])), got))
            if not ok or A.v: print(f"{case['id']} [{via}] {'ok' if ok else 'FAIL'} {case['level']} {case['description'][:70]} :: {res[-1][3]} :: {got}", flush=True)
    n = len(res); p = sum(1 for r in res if r[2] == "PASS"); print(f"== {p}/{n} pass, {sum(1 for r in res if r[2]=='SKIP')} skipped")
    if A.json: json.dump(res, open(A.json, "w"), indent=0)
main()
