"""ClickHouse's HTTP interface over the engine in process (chdb), for tests.

    front.py DIR PORT [--remove] [--forget]

Serves the database in DIR on 127.0.0.1:PORT (0: a free one), prints `ready PORT`, and ends when its standard input
does, so that no server outlives the test that started it; with `--remove` it takes DIR with it. With `--forget` it
takes each insert for a new one, whatever its token. It speaks what the `clickhouse` crate sends without compression:
POST only; SQL in the body, or an insert in `query` and its rows in the body; every other parameter of the URL is a
setting. Calls run one after another.
"""

import os
import re
import shutil
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from chdb import session
from chdb._exceptions import ChdbError

# Of the interface, not settings of a query. Answers are always complete before their first byte is sent.
NO_SETTINGS = {"query", "database", "default_format", "wait_end_of_query", "compress", "decompress"}
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
# The statements that take settings at their end; with others they would mean something else.
TAKES_SETTINGS = re.compile(r"\s*(select|with|describe|\()", re.IGNORECASE)


class Front(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # An answer is two writes, and the client waits for the second.
    disable_nagle_algorithm = True

    def do_POST(self):
        try:
            body = self.body()
        except (ValueError, ConnectionError):
            # Cut off in the middle: nothing was asked.
            self.close_connection = True
            return
        parameters = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        try:
            status, answer = 200, self.server.run(parameters, body)
        except (ChdbError, ValueError) as error:
            status, answer = 500, str(error).encode()
        self.send_response(status)
        code = re.match(rb"Code: (\d+)", answer) if status != 200 else None
        if code:
            self.send_header("X-ClickHouse-Exception-Code", code.group(1).decode())
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        try:
            self.wfile.write(answer)
        except ConnectionError:
            self.close_connection = True

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(chunks)

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, folder, port):
        super().__init__(("127.0.0.1", port), Front)
        self.session = session.Session(folder)
        self.rows = os.path.join(os.path.abspath(folder), "insert.rows")
        self.lock = threading.Lock()

    def run(self, parameters, body):
        if "--forget" in sys.argv and "insert_deduplication_token" in parameters:
            del parameters["insert_deduplication_token"]
            parameters |= {"insert_deduplicate": "0", "deduplicate_insert": "disable"}
        settings = ", ".join(f"{name(key)} = {literal(value)}" for key, value in parameters.items() if key not in NO_SETTINGS)
        query = parameters.get("query")
        with self.lock:
            self.session.query(f"USE {quoted(parameters.get('database', 'default'))}")
            if query:
                return self.insert(query, settings, body)
            statement = body.decode()
            if settings and TAKES_SETTINGS.match(statement):
                statement += f"\nSETTINGS {settings}"
            return self.session.query(statement, parameters.get("default_format", "TabSeparated")).bytes()

    def insert(self, query, settings, rows):
        # By a file, because the engine looks for the next statement in rows that stand behind one.
        with open(self.rows, "wb") as file:
            file.write(rows)
        head, found, tail = query.rpartition(" FORMAT ")
        if not found:
            raise ValueError("Code: 62. DB::Exception: an insert without FORMAT")
        settings = f" SETTINGS {settings}" if settings else ""
        return self.session.query(f"{head} FROM INFILE {literal(self.rows)}{settings}{found}{tail}").bytes()


def name(key):
    if not NAME.match(key):
        raise ValueError(f"Code: 115. DB::Exception: no setting: {key}")
    return key


def literal(value):
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def quoted(identifier):
    return "`" + identifier.replace("\\", "\\\\").replace("`", "\\`") + "`"


def main():
    server = Server(sys.argv[1], int(sys.argv[2]))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"ready {server.server_address[1]}", flush=True)
    sys.stdin.read()
    if "--remove" in sys.argv:
        shutil.rmtree(sys.argv[1], ignore_errors=True)
    # Inserts are on disk when they are answered: nothing is to be closed.
    os._exit(0)


main()
