// Drives a GTP engine the way Sabaki does, through Sabaki's own controller: node sabaki.js PROGRAM [ARGUMENT...]
// Prints what it did, one line a step; the first thing that is not as Sabaki needs it ends it with status 1.

const assert = require('node:assert/strict')
const {Controller, ControllerStateTracker} = require('@sabaki/gtp')

const [program, ...args] = process.argv.slice(2)
// The machine that runs this may be busy; Sabaki itself has no time limit but the one for `quit`.
const SLACK = 5

const controller = new Controller(program, args, {cwd: '/'})
const tracker = new ControllerStateTracker(controller)
const sent = []
const stderr = []

controller.on('command-sent', ({command}) => sent.push(command.name))
controller.on('stderr', ({content}) => stderr.push(content))

const send = async (name, ...args) => {
  const response = await controller.sendCommand({name, args: args.map(String)})
  assert.ok(!response.error, `${name} ${args.join(' ')}: ${response.content}`)
  return response.content
}

const play = (color, vertex) => ({name: 'play', args: [color, vertex]})

const sync = async history => {
  sent.length = 0
  await tracker.sync({komi: 6.5, boardsize: [9, 9], history})
}

// Sabaki's parsing of a line of analysis (src/modules/enginesyncer.js), with complaints where it would drop something.
const parseInfo = (line, isKata) =>
  line
    .split(/\s*info\s+/)
    .slice(1)
    .map(text => {
      const match = text.trim().match(/(pass|[A-Za-z]\d+)(\s+(pass|[A-Za-z]\d+))*$/)
      assert.ok(match, `no variation at the end of: ${text}`)
      const tokens = text.slice(0, match.index).trim().split(/\s+/)
      assert.equal(tokens.pop(), 'pv')
      const info = {}
      for (let i = 0; i < tokens.length; i += 2) info[tokens[i]] = tokens[i + 1]
      assert.match(info.move, /^([A-Za-z]\d+|pass)$/)
      assert.match(info.visits, /^\d+$/)
      assert.match(info.winrate, isKata ? /^\d\.\d+$/ : /^\d+$/)
      if (isKata) assert.match(info.scoreLead, /^-?\d+\.\d+$/)
      const winrate = +info.winrate / (isKata ? 1 : 10000)
      assert.ok(winrate >= 0 && winrate <= 1)
      return info
    })

// Starts an analysis and waits for some lines of it; `done` of the answer is fulfilled when it has ended.
const analyse = async (name, lines) => {
  let seen = 0
  let done
  const enough = new Promise(resolve => {
    done = controller.sendCommand({name, args: ['B', '10']}, ({line}) => {
      if (!line.startsWith('info ')) return
      assert.ok(parseInfo(line, name.startsWith('kata')).length > 0)
      if (++seen === lines) resolve()
    })
    done.then(({content}) => seen < lines && assert.fail(`${name} ended by itself: ${content}`), () => {})
  })
  await enough
  return {done}
}

const genmove = async (name, color) => {
  let infos = 0
  let move = null
  const response = await controller.sendCommand({name, args: [color, '20']}, ({line}) => {
    if (line.startsWith('info ')) infos += parseInfo(line, name.startsWith('kata')).length
    if (line.startsWith('play ')) move = line.slice(5)
  })
  assert.ok(!response.error, response.content)
  assert.match(move, /^([A-HJ][1-9]|pass|resign)$/)
  assert.ok(infos > 0 || move === 'pass', `${name} told nothing`)
  return move
}

const steps = {
  async attach() {
    controller.start()
    const [name, version, protocol, commands] = await Promise.all([
      send('name'),
      send('version'),
      send('protocol_version'),
      send('list_commands'),
      send('time_settings', 0, 1, 1)
    ])
    assert.ok(name && version)
    assert.equal(protocol, '2')
    const known = commands.split('\n')
    for (const needed of ['kata-analyze', 'kata-genmove_analyze', 'undo', 'set_free_handicap', 'rectangular_boardsize'])
      assert.ok(known.includes(needed), needed)
    for (const trap of ['analyze', 'genmove_analyze']) assert.ok(!known.includes(trap), trap)
  },

  async 'sync a game'() {
    await sync([play('B', 'E5'), play('W', 'C3'), play('B', 'pass'), play('B', 'G7')])
    assert.equal(tracker.state.history.length, 4)
  },

  async 'sync by undo'() {
    await sync([play('B', 'E5'), play('W', 'C3'), play('B', 'pass'), play('B', 'C7'), play('W', 'G3')])
    assert.deepEqual(sent, ['undo', 'play', 'play'])
  },

  async 'sync what cannot be undone'() {
    await sync([play('W', 'E5')])
    assert.deepEqual(sent, ['clear_board', 'play'])
  },

  async 'sync a position that was set up'() {
    await sync([{name: 'set_free_handicap', args: ['A1', 'J9', 'E5', 'D4', 'A9']}, play('W', 'C7'), play('W', 'C8')])
    assert.match(await send('showboard'), /X/)
  },

  async 'moves of both colours'() {
    await sync([])
    for (const [name, color] of [['kata-genmove_analyze', 'B'], ['lz-genmove_analyze', 'W'], ['genmove', 'B'], ['genmove', 'B']]) {
      const move = name === 'genmove' ? await send(name, color) : await genmove(name, color)
      const {args} = tracker.state.history.at(-1)
      assert.deepEqual(args, [color, move.toUpperCase()])
    }
    sent.length = 0
    await tracker.sync({komi: 6.5, boardsize: [9, 9], history: tracker.state.history.slice(0, 3)})
    assert.deepEqual(sent, ['undo'])
  },

  async 'a queued command does not cancel a move'() {
    const [move, version] = await Promise.all([genmove('kata-genmove_analyze', 'W'), send('protocol_version')])
    assert.notEqual(move, 'resign')
    assert.equal(version, '2')
  },

  async 'analysis, interrupted'() {
    for (const name of ['kata-analyze', 'lz-analyze']) {
      const {done} = await analyse(name, 3)
      const began = Date.now()
      assert.equal(await send('protocol_version'), '2')
      assert.ok(Date.now() - began < 100 * SLACK, `${name} went on for ${Date.now() - began} ms`)
      assert.ok(!(await done).error)
    }
  },

  async 'analysis, interrupted by the next sync'() {
    const {done} = await analyse('kata-analyze', 1)
    await sync([play('B', 'E5')])
    await done
  },

  async 'a board that is not square is refused'() {
    await assert.rejects(tracker.sync({komi: 6.5, boardsize: [9, 13], history: []}), /Board size/)
    await sync([])
  },

  async 'stop, during an analysis'() {
    await analyse('kata-analyze', 1)
    const stopped = new Promise(resolve => controller.once('stopped', ({signal}) => resolve(signal)))
    const began = Date.now()
    await controller.stop(3000)
    assert.equal(await stopped, 0, 'Sabaki had to kill it')
    assert.ok(Date.now() - began < 3000)
  }
}

const main = async () => {
  for (const [name, step] of Object.entries(steps)) {
    const began = Date.now()
    await step().catch(error => {
      console.error(`${name}: ${error.stack}\nengine's stderr:\n${stderr.join('\n')}`)
      process.exit(1)
    })
    console.log(`${name}: ${Date.now() - began} ms`)
  }
}

main()
