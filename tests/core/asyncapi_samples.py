"""Documents that the tests of AsyncAPI read: one of 2.6 and one of 3.0, each with most of what is understood."""

from __future__ import annotations

LAMPS_2 = """\
asyncapi: 2.6.0
info:
  title: Street lamps
  version: 1.2.0
  description: Lamps of a city say how bright they are, and are turned on and off.
  contact: {name: The lamplighters, email: lamps@example.com}
  license: {name: CC0}
servers:
  production:
    url: "wss://{region}.lamps.example.com:{port}/v1"
    protocol: wss
    variables:
      region: {default: eu}
      port: {enum: ["443", "8443"]}
    security:
      - tokens: [lamps:read]
  sandbox:
    url: wss://sandbox.lamps.example.com/v1
    protocol: wss
  broker: {url: broker.example.com, protocol: mqtt}
tags:
  - name: city
channels:
  # What a lamp says
  lamps/{lampID}/measured:
    parameters:
      lampID: {description: Which lamp, schema: {type: string}}
    subscribe:
      operationId: onMeasured
      summary: How bright a lamp is
      message: {$ref: '#/components/messages/measured'}
  lamps/{lampID}/turn:
    parameters:
      lampID: {$ref: '#/channels/lamps~1{lampID}~1measured/parameters/lampID'}
    publish:
      operationId: turn
      security:
        - tokens: [lamps:write]
      message: {$ref: '#/components/messages/turn'}
components:
  securitySchemes:
    tokens:
      type: oauth2
      flows:
        clientCredentials:
          tokenUrl: https://login.example.com/token
          scopes:
            lamps:read: Read what lamps say
            lamps:write: Turn lamps on and off
  messages:
    measured:
      title: Measured
      payload: {$ref: '#/components/schemas/lumens'}
    turn:
      payload:
        type: object
        required: [to]
        properties:
          to: {type: string, enum: ["on", "off"]}
  schemas:
    lumens:
      type: object
      properties:
        lumens: {type: integer, minimum: 0, description: How bright}
        at: {type: string, format: date-time}
"""

ROOMS_3 = """\
asyncapi: 3.0.0
info:
  title: Rooms
  version: "2.0"
  tags:
    - name: chat
servers:
  live:
    host: chat.example.com
    pathname: /socket
    protocol: wss
    security:
      - $ref: '#/components/securitySchemes/key'
channels:
  room:
    address: /rooms/{roomID}
    title: A room
    parameters:
      roomID:
        description: Which room
    messages:
      said:
        payload:
          type: object
          properties:
            text:
              type: string
      ask:
        name: Ask
        payload: {type: object}
    bindings:
      ws:
        method: GET
        query:
          type: object
          properties:
            since: {type: string}
  lobby:
    address: /lobby
operations:
  hear:
    action: send
    channel: {$ref: '#/channels/room'}
    messages:
      - $ref: '#/channels/room/messages/said'
  speak:
    action: receive
    channel: {$ref: '#/channels/room'}
    messages:
      - $ref: '#/channels/room/messages/ask'
    reply:
      messages:
        - $ref: '#/channels/room/messages/said'
  watch:
    action: send
    channel: {$ref: '#/channels/lobby'}
    security: []
components:
  securitySchemes:
    key: {type: httpApiKey, in: header, name: ApiKey}
"""

MANY_3 = """\
asyncapi: 3.1.0
info: {title: Ticks, version: "1"}
channels:
  ping: {address: /, messages: {ping: {payload: {type: object}}}}
  pong: {address: /, messages: {pong: {payload: {type: object}}}}
  ticks: {address: /, messages: {tick: {payload: {type: number}}}}
operations:
  ping:
    action: receive
    channel: {$ref: '#/channels/ping'}
    reply: {channel: {$ref: '#/channels/pong'}}
  tick:
    action: send
    channel: {$ref: '#/channels/ticks'}
"""
