"""A network switch in user space: one TAP device in each network namespace, frames between them
delayed and lost by chance. Node has no ioctl, so this is Python, with its standard library alone.

Its argument is JSON: {"seed": 1, "namespaces": ["a", "b"], "device": "ixj0"}. It writes "ready" when
the devices are there. Each line of its input is JSON with the conditions from then on, for one way
of any two: {"delayMs": 50, "jitterMs": 10, "loss": 0.05}. It ends when its input does, and the
devices go with it.
"""

import ctypes
import fcntl
import heapq
import json
import os
import random
import selectors
import struct
import sys
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
FRAME_BYTES_MAX = 65_536
# Frames that are on their way at once: more than TCP windows of a test network hold.
QUEUE_MAX = 200_000

start = json.loads(sys.argv[1])
chance = random.Random(start["seed"])
libc = ctypes.CDLL(None, use_errno=True)


def open_tap(namespace):
    """Makes a TAP device in the namespace. A device stays where it was made."""
    with open(f"/var/run/netns/{namespace}") as place:
        if libc.setns(place.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"Cannot enter {namespace}")
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    name = start["device"].encode()
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH", name, IFF_TAP | IFF_NO_PI))
    return tap


taps = [open_tap(namespace) for namespace in start["namespaces"]]
conditions = {"delayMs": 0, "jitterMs": 0, "loss": 0}
on_their_way = []
# When the last frame of a pair arrives: paths of the real world keep the order, for the most part.
last_arrival = {}
count = 0


def send(source, target, frame):
    global count
    if chance.random() < conditions["loss"] or len(on_their_way) >= QUEUE_MAX:
        return
    jitter = conditions["jitterMs"] * (2 * chance.random() - 1)
    arrival = time.monotonic() + max(0, conditions["delayMs"] + jitter) / 1_000
    arrival = max(arrival, last_arrival.get((source, target), 0))
    last_arrival[source, target] = arrival
    count += 1
    heapq.heappush(on_their_way, (arrival, count, target, frame))


def take(source):
    """Takes the frames that a device has, a few at a time."""
    for _ in range(64):
        try:
            frame = os.read(taps[source], FRAME_BYTES_MAX)
        except BlockingIOError:
            return
        # Devices have the addresses 02:00:00:00:00:<index>; the lowest bit of the first byte is for all.
        if frame[0] & 1:
            for target in range(len(taps)):
                if target != source:
                    send(source, target, frame)
        elif frame[:5] == b"\x02\0\0\0\0" and frame[5] < len(taps):
            send(source, frame[5], frame)


def deliver(now):
    while on_their_way and on_their_way[0][0] <= now:
        _, _, target, frame = heapq.heappop(on_their_way)
        try:
            os.write(taps[target], frame)
        except OSError:
            # The device is down, or full: real ones lose frames then, too.
            pass


selector = selectors.DefaultSelector()
selector.register(sys.stdin.fileno(), selectors.EVENT_READ, None)
for index, tap in enumerate(taps):
    selector.register(tap, selectors.EVENT_READ, index)
print("ready", flush=True)
commands = b""
while True:
    now = time.monotonic()
    deliver(now)
    wait = max(0, on_their_way[0][0] - now) if on_their_way else None
    for key, _ in selector.select(wait):
        if key.data is not None:
            take(key.data)
            continue
        given = os.read(sys.stdin.fileno(), 4_096)
        if not given:
            sys.exit(0)
        *lines, commands = (commands + given).split(b"\n")
        for line in lines:
            conditions = json.loads(line)
            print("set", flush=True)
