"""A TCP proxy for tests, on loopback, in front of a server: it can be told to stall, to go silent or to cut connections.

usage: stall.py run CONTROL SERVER [--listen ADDRESS:PORT] [--seed N]
       stall.py tell CONTROL WORD...

run     forwards what comes to ADDRESS:PORT (127.0.0.1:0: any free port) to SERVER, the path of a unix socket or HOST:PORT.
        CONTROL is the unix socket that it is told through; CONTROL.port says the port once it listens.
tell    returns when it is done, and prints how many connections are open:

  forward       new connections are forwarded, nothing is cut; the start. Silent connections stay silent
  silent        new connections are accepted and never answered; open ones go on
  hole          open connections forward nothing any more, not even their end; new ones work
  black         as hole, and new ones are silent
  stop SECONDS  nothing is forwarded for so long; then all goes on, and nothing is lost
  cut SHARE     each piece of data ends its connection with this probability, before or after it was forwarded
  drop          ends all open connections
"""

import asyncio
import pathlib
import random
import socket
import sys

PIECE = 65536


class Connection:
    def __init__(self, client):
        self.writers = [client]
        self.forwards = asyncio.Event()

    def abort(self):
        for writer in self.writers:
            writer.transport.abort()


class Proxy:
    def __init__(self, server, seed):
        self.server = server
        self.random = random.Random(seed)
        self.connections = set()
        self.silent = False
        self.cut = 0.0
        self.moves = asyncio.Event()
        self.moves.set()

    def tell(self, word, value):
        if word in ("forward", "silent", "hole", "black"):
            self.silent = word in ("silent", "black")
            self.cut = 0.0
            if word in ("hole", "black"):
                for connection in self.connections:
                    connection.forwards.clear()
        elif word == "stop":
            self.moves.clear()
            asyncio.get_running_loop().call_later(float(value), self.moves.set)
        elif word == "cut":
            self.cut = float(value)
        elif word == "drop":
            for connection in self.connections:
                connection.abort()
        else:
            raise ValueError(f"unknown word {word}")

    async def connect(self):
        if "/" in self.server:
            return await asyncio.open_unix_connection(self.server)
        host, port = self.server.rsplit(":", 1)
        return await asyncio.open_connection(host, int(port))

    async def pump(self, connection, reader, writer):
        while piece := await reader.read(PIECE):
            await connection.forwards.wait()
            await self.moves.wait()
            cut = self.random.random() < self.cut
            if cut and self.random.random() < 0.5:
                return connection.abort()
            writer.write(piece)
            await writer.drain()
            if cut:
                return connection.abort()
        await connection.forwards.wait()
        await self.moves.wait()

    async def serve(self, reader, writer):
        connection = Connection(writer)
        if not self.silent:
            connection.forwards.set()
        self.connections.add(connection)
        try:
            await connection.forwards.wait()
            await self.moves.wait()
            from_server, to_server = await self.connect()
            connection.writers.append(to_server)
            pumps = [asyncio.ensure_future(self.pump(connection, reader, to_server)),
                     asyncio.ensure_future(self.pump(connection, from_server, writer))]
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
        except OSError:
            pass  # the server is away, and so the client's connection ends
        finally:
            self.connections.discard(connection)
            for each in connection.writers:
                each.close()

    async def control(self, reader, writer):
        word, _, value = (await reader.readline()).decode().strip().partition(" ")
        try:
            self.tell(word, value)
            writer.write(f"{len(self.connections)}\n".encode())
        except ValueError as error:
            writer.write(f"error: {error}\n".encode())
        writer.close()


async def run(control, server, listen, seed):
    proxy = Proxy(server, seed)
    host, port = listen.rsplit(":", 1)
    door = await asyncio.start_server(proxy.serve, host, int(port))
    await asyncio.start_unix_server(proxy.control, control)
    pathlib.Path(control + ".port").write_text(str(door.sockets[0].getsockname()[1]) + "\n")
    await asyncio.Event().wait()


def tell(control, words):
    with socket.socket(socket.AF_UNIX) as door:
        door.connect(control)
        door.sendall((" ".join(words) + "\n").encode())
        answer = door.makefile().read()
    print(answer, end="")
    return answer.startswith("error")


def main(words):
    options = {"--listen": "127.0.0.1:0", "--seed": "1"}
    plain = []
    while words:
        word = words.pop(0)
        if word in options and words:
            options[word] = words.pop(0)
        else:
            plain.append(word)
    if len(plain) == 3 and plain[0] == "run":
        return asyncio.run(run(plain[1], plain[2], options["--listen"], int(options["--seed"])))
    if len(plain) >= 3 and plain[0] == "tell":
        return tell(plain[1], plain[2:])
    print(__doc__.strip())
    return 0 if plain in (["--help"], ["-h"]) else 2


sys.exit(main(sys.argv[1:]))
