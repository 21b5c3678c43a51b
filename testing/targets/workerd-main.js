import { exercise } from "./exercise.js";

export default {
  async fetch(request) {
    return Response.json(await exercise(await request.json()));
  },
};
