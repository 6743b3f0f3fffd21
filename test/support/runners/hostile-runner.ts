// A process in the place of `lsh runner`: it accepts controllers on the socket and says what a test makes it say.
import { EventEmitter, once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import type { Duplex } from 'node:stream';

interface Given {
  name: string;
  nonce: string;
}

/** A message of the controller. */
export interface Heard {
  type: string;
  id?: number;
  /** Of `recover`. */
  runs?: Given[];
  /** Of `start`. */
  run?: Given;
}

/** One controller connection. */
export class HostileConnection {
  readonly heard: Heard[] = [];
  readonly openedAt = performance.now();
  closedAt: number | undefined;
  readonly #socket: Duplex;
  readonly #changes = new EventEmitter<{ change: [] }>();

  constructor(socket: Duplex) {
    this.#socket = socket;
    socket.on('error', () => undefined);
    socket.on('end', () => socket.destroy());
    socket.once('close', () => {
      this.closedAt = performance.now();
      this.#changes.emit('change');
    });
    createInterface({ input: socket })
      .on('error', () => undefined)
      .on('line', (line) => {
        if (line === '') return;
        this.heard.push(JSON.parse(line) as Heard);
        this.#changes.emit('change');
      });
  }

  say(...messages: object[]): void {
    this.write(messages.map((message) => `${JSON.stringify(message)}\n`).join(''));
  }

  write(text: string): void {
    this.#socket.write(text);
  }

  /** Resolves with the first message of the type, past or future. */
  async hears(type: string, isWanted: (message: Heard) => boolean = () => true): Promise<Heard> {
    for (;;) {
      const found = this.heard.find((message) => message.type === type && isWanted(message));
      if (found) return found;
      await once(this.#changes, 'change');
    }
  }

  /** Resolves when the controller has cut the connection. */
  async cut(): Promise<void> {
    while (this.closedAt === undefined) await once(this.#changes, 'change');
  }

  close(): void {
    this.#socket.destroy();
  }
}

export class HostileRunner {
  /** Of controllers that lead. */
  readonly connections: HostileConnection[] = [];
  /** Of controllers that hear of ends. */
  readonly listeners: HostileConnection[] = [];
  readonly #server: Server;
  readonly #changes = new EventEmitter<{ change: [] }>();

  private constructor() {
    this.#server = createServer().on('upgrade', ({ url }, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: lsh-runner\r\n\r\n');
      const connections = url?.endsWith('/ends') ? this.listeners : this.connections;
      connections.push(new HostileConnection(socket));
      this.#changes.emit('change');
    });
  }

  static async listen(socketPath: string): Promise<HostileRunner> {
    mkdirSync(dirname(socketPath), { recursive: true });
    const hostile = new HostileRunner();
    hostile.#server.listen(socketPath);
    await once(hostile.#server, 'listening');
    return hostile;
  }

  /** The connection of this number, from 0, past or future. */
  async connection(number = 0, connections = this.connections): Promise<HostileConnection> {
    while (connections.length <= number) await once(this.#changes, 'change');
    return connections[number]!;
  }

  /** Plays a runner that has nothing, with room for runs. */
  async ready(number = 0): Promise<HostileConnection> {
    const connection = await this.connection(number);
    await connection.hears('recover');
    connection.say({ type: 'capacity', capacity: 100 }, { type: 'synced' });
    return connection;
  }

  async close(): Promise<void> {
    for (const connection of [...this.connections, ...this.listeners]) connection.close();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
