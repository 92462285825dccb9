"""An SMTP server that offers STARTTLS: smtp_server.py CERTIFICATE KEY PORT"""
import ssl
import sys
import time

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
# Its default of 5 s is too short for a busy machine.
controller = Controller(
    Sink(), hostname="127.0.0.1", port=int(sys.argv[3]), tls_context=context, ready_timeout=60
)
controller.start()
print("listening", flush=True)
while True:
    time.sleep(3600)
