#!/usr/bin/python3
"""A collector for OTLP over HTTP: otlp_receiver.py FOLDER. Prints its port, then each request as one line of JSON.

Refuses what is not the message that the path wants, or has fields that the specification does not know. Answers the first
request for logs with 503, so that who sends has to come again.
"""

import http.server
import json
import subprocess
import sys
from pathlib import Path

folder = sys.argv[1]
here = Path(__file__).resolve().parent
subprocess.run(["protoc", f"--proto_path={here}", f"--python_out={folder}", "otlp.proto"], check=True)
sys.path.insert(0, folder)
import otlp_pb2  # noqa: E402
from google.protobuf.json_format import MessageToDict, ParseDict  # noqa: E402

KINDS = {"/v1/metrics": otlp_pb2.ExportMetricsServiceRequest, "/v1/logs": otlp_pb2.ExportLogsServiceRequest}


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    has_refused = False

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        kind = KINDS.get(self.path)
        if kind is None or self.headers["Content-Type"] != "application/x-protobuf":
            return self.answer(400)
        message = kind()
        try:
            message.ParseFromString(body)
        except Exception as error:
            print(json.dumps({"fault": str(error)}), flush=True)
            return self.answer(400)
        fields = MessageToDict(message)
        # What the description does not know is lost on this way.
        if ParseDict(fields, kind()).ByteSize() != len(body):
            print(json.dumps({"fault": "fields that are none"}), flush=True)
            return self.answer(400)
        if self.path == "/v1/logs" and not Receiver.has_refused:
            Receiver.has_refused = True
            return self.answer(503)
        print(json.dumps({"path": self.path, "token": self.headers["Authorization"], "message": fields}), flush=True)
        self.answer(200)

    def answer(self, status):
        body = otlp_pb2.ExportServiceResponse().SerializeToString()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
print(json.dumps({"port": server.server_address[1]}), flush=True)
server.serve_forever()
