// One connection to /live. The next frame is sent when the reply to the one before has come: the machine sets the pace.

const QUALITY = 0.8; // of the JPEG frames

export class LiveSocket {
  /** `handlers`: onFrame(reply, milliseconds), onError(sentence), onEnd(close code, person_state). */
  constructor(video, width, opening, handlers) {
    this.video = video;
    this.width = width;
    this.handlers = handlers;
    this.canvas = document.createElement("canvas");
    this.pause = 0;
    const address = new URL("live", document.baseURI);
    address.protocol = address.protocol.replace("http", "ws");
    this.socket = new WebSocket(address);
    this.socket.onopen = () => this.socket.send(JSON.stringify(opening));
    this.socket.onmessage = ({ data }) => this.receive(JSON.parse(data));
    this.socket.onclose = ({ code }) => {
      this.closed = true;
      handlers.onEnd(code, this.state);
    };
  }

  close() {
    this.closed = true;
    this.socket.close();
  }

  receive(reply) {
    this.state = reply.person_state ?? this.state;
    if (reply.type === "start") this.pause = 1000 / (reply.limits?.frames_per_second ?? 30);
    else if (reply.type === "frame" && !reply.dropped) this.handlers.onFrame(reply, performance.now() - this.sent);
    else if (reply.type === "error") this.handlers.onError(reply.detail);
    if (reply.type !== "end")
      setTimeout(() => this.send(), Math.max(0, this.pause - (performance.now() - (this.sent ?? 0))));
  }

  async send() {
    const { videoWidth, videoHeight } = this.video;
    if (this.closed || !videoWidth) return;
    const scale = Math.min(1, this.width / videoWidth);
    Object.assign(this.canvas, { width: Math.round(videoWidth * scale), height: Math.round(videoHeight * scale) });
    this.canvas.getContext("2d").drawImage(this.video, 0, 0, this.canvas.width, this.canvas.height);
    this.sent = performance.now();
    const frame = await new Promise((resolve) => this.canvas.toBlob(resolve, "image/jpeg", QUALITY));
    if (!this.closed && this.socket.readyState === WebSocket.OPEN) this.socket.send(frame);
  }
}
