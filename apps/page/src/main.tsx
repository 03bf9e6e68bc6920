import { render } from 'preact'
import { App } from './app.tsx'

const root = document.getElementById('page')
if (root === null) throw new Error('The page has no place to be drawn in')
render(<App />, root)
